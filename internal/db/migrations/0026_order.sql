-- +goose Up

-- What collections are ordered by costs the same in small and large ones.
CREATE INDEX organization_name ON organization (name_fold, id);
CREATE INDEX organization_created_at ON organization (created_at, id);
CREATE INDEX organization_updated_at ON organization (updated_at, id);
DROP INDEX location_country;
CREATE INDEX location_country ON location (organization_id, country {{.NullsFirst}}, id);
CREATE INDEX location_office_open_hour ON location (organization_id, office_open_hour {{.NullsFirst}}, id);
CREATE INDEX location_office_close_hour ON location (organization_id, office_close_hour {{.NullsFirst}}, id);
CREATE INDEX location_time_zone ON location (organization_id, time_zone, id);
CREATE INDEX location_created_at ON location (organization_id, created_at, id);
CREATE INDEX location_updated_at ON location (organization_id, updated_at, id);

-- How many locations are in each country, see db.CountGroup; those without one
-- are counted under a slash.
INSERT INTO row_count (organization_id, resource, rows)
  SELECT organization_id, 'location/' || COALESCE(country, '/'), count(*)
  FROM location GROUP BY organization_id, COALESCE(country, '/');
