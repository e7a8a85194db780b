-- All that places are searched by, in one text of small letters: a text too short for the trigram index is then looked for once in each
-- place, instead of in several columns of any case. Between the parts stands a character that no search holds.
alter table places add column search_text text collate "C" generated always as
    (lower(coalesce(name, '') || E'\x01' || coalesce(categories, '') || E'\x01' || coalesce(address, '') || E'\x01'
        || coalesce(city, '') || E'\x01' || coalesce(neighborhood, '') || E'\x01' || coalesce(country, '') || E'\x01' || coalesce(description, ''))) stored;

-- The newest places of each kind. The categories themselves can be longer than an index holds.
create index places_kind on places (md5(categories), created_at desc, id);
create index places_best on places (rating desc nulls last, id);
create index places_least on places (rating, id);
create index users_newest on users (created_at desc, id desc);
-- What the people somebody follows did lately.
create index check_ins_user_recent on check_ins (user_id, created_at desc) include (place_id, visibility);
