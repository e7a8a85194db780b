-- An event of a person can be hidden from several others: those on either side of a block.
alter table live_events add column except_users bigint[];
