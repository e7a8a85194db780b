-- The spatial column, where PostGIS is to be had. Without it the service measures by haversine (APP_USE_POSTGIS=false).
do $$
begin
    if exists (select 1 from pg_available_extensions where name = 'postgis') then
        begin
            create extension if not exists postgis;
        exception when insufficient_privilege then
            raise notice 'no right to create the postgis extension; going on without it';
        end;
    end if;
    if exists (select 1 from pg_extension where extname = 'postgis') then
        execute 'alter table places add column geog geography(Point, 4326) generated always as
            (case when latitude is not null and longitude is not null
             then st_setsrid(st_makepoint(longitude, latitude), 4326)::geography end) stored';
        execute 'create index places_geog on places using gist (geog)';
    end if;
end
$$;
