-- The outbox of stored files: each row a file that goes once it is due, unless something shows it by then.
create table file_deletions (
    stored text primary key,
    due_at timestamptz not null default now(),
    attempts integer not null default 0,
    -- Set once the file is gone; kept for a while, so that its address is not sent again.
    deleted_at timestamptz
);
create index file_deletions_due on file_deletions (due_at) where deleted_at is null;
create index file_deletions_gone on file_deletions (deleted_at) where deleted_at is not null;

-- Finds the messages that show a file.
create index dm_messages_files on dm_messages
    using gin ((photo_urls || video_urls || voice_urls || file_urls) jsonb_path_ops) where deleted_at is null;
