-- What an entry of a feed is about: the id of the check-in, like, comment, follow, review or collection, by the entry's type. Entries
-- of the version before have none until a job finds it.
alter table activities add column cause_id bigint;
-- Whose check-in it is about and who may see that, as far as it matters for counting: entries shown are judged by the check-in itself.
alter table activities add column owner_id bigint;
alter table activities add column audience text;
create index activities_cause on activities (activity_type, cause_id);
create index activities_newest on activities (created_at desc, id desc);
create index activities_unlinked on activities (id) where cause_id is null;

-- Foreign keys whose rows are looked up when a person or a message goes.
create index dm_message_likes_user on dm_message_likes (user_id);
create index dm_message_reactions_user on dm_message_reactions (user_id);
create index dm_messages_deleted_by on dm_messages (deleted_by_user_id) where deleted_by_user_id is not null;
create index dm_messages_forwarded_from on dm_messages (forwarded_from_user_id) where forwarded_from_user_id is not null;
create index dm_threads_initiator on dm_threads (initiator_id);
create index dm_participant_states_peer on dm_participant_states (peer_id);
