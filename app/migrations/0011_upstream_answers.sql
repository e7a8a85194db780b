-- Answers of third parties, shared by all tasks for the minutes that they are good for.
create unlogged table upstream_answers (
    key text primary key,
    body jsonb not null,
    expires_at timestamptz not null
);
create index upstream_answers_expiry on upstream_answers (expires_at);
