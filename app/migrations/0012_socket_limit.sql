-- Notes a socket as `socket_opened` does, unless the person has `most` of them open on tasks that live.
create function socket_admitted(socket uuid, task uuid, person bigint, room text, most bigint)
    returns boolean language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('presence:' || person, 21));
    -- A task that has just counted its sockets anew has this one already.
    if exists (select 1 from live_sockets s where s.id = socket) then
        return true;
    end if;
    if (select count(*) from live_sockets s join live_tasks t on t.id = s.task_id
        where s.user_id = person and t.beat_at > now() - interval '20 seconds') >= most then
        return false;
    end if;
    perform socket_opened(socket, task, person, room);
    return true;
end
$$;
