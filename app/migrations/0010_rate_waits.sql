-- Rate limits that report how long to wait. The functions of the former limits stay: the version before uses them.

-- Hits of the caps on one-time codes. Unlike `rate_hits` they outlive a crash of the database: a guess must not be forgotten.
create table otp_hits (
    key text not null,
    at timestamptz not null default clock_timestamp()
);
create index otp_hits_key on otp_hits (key, at desc);
create index otp_hits_at on otp_hits (at);

-- Seconds until one more hit fits under every cap: at most caps[i] hits of keys[i] in any spans[i]. When it is 0 and `counted`, one
-- hit of each distinct key is stored. A key may appear with several spans. The keys stay locked until the transaction ends, always
-- in the same order, so that concurrent calls neither overrun a cap nor wait for one another in a circle.
create function otp_wait(keys text[], spans interval[], caps integer[], counted boolean)
    returns double precision language plpgsql as $$
declare
    one text;
    nth timestamptz;
    seconds double precision := 0;
begin
    if counted then
        for one in select distinct u from unnest(keys) u order by u loop
            perform pg_advisory_xact_lock(hashtextextended(one, 23));
        end loop;
    end if;
    for i in 1 .. cardinality(keys) loop
        if caps[i] < 1 then
            seconds := greatest(seconds, extract(epoch from spans[i]));
            continue;
        end if;
        select h.at into nth from otp_hits h where h.key = keys[i] and h.at > clock_timestamp() - spans[i]
            order by h.at desc offset caps[i] - 1 limit 1;
        if found then
            seconds := greatest(seconds, extract(epoch from nth + spans[i] - clock_timestamp()), 0.001);
        end if;
    end loop;
    if counted and seconds = 0 then
        insert into otp_hits (key) select distinct u from unnest(keys) u;
        -- The longest span is a day. A few old rows go with each call, so no job has to remember them.
        delete from otp_hits where ctid in (select ctid from otp_hits where at < now() - interval '1 day'
            order by at limit 20 for update skip locked);
    end if;
    return seconds;
end
$$;

-- The same for one key of `rate_hits`; at most `cap` hits in any `span`.
create function rate_wait(hit_key text, span interval, cap integer) returns double precision language plpgsql as $$
declare
    nth timestamptz;
begin
    perform pg_advisory_xact_lock(hashtextextended(hit_key, 20));
    if cap < 1 then
        return extract(epoch from span);
    end if;
    select h.at into nth from rate_hits h where h.key = hit_key and h.at > clock_timestamp() - span
        order by h.at desc offset cap - 1 limit 1;
    if found then
        return greatest(extract(epoch from nth + span - clock_timestamp()), 0.001);
    end if;
    insert into rate_hits (key) values (hit_key);
    return 0;
end
$$;
