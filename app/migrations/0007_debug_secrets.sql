-- Secrets that debug makes up, so that all tasks of one database use the same. Outside debug nothing is stored or read here.
create table debug_secrets (
    name text primary key,
    value text not null
);
