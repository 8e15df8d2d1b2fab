-- +goose Up
-- The times that an employee's meetings occupy are read from the index alone.
DROP INDEX meeting_busy;
CREATE INDEX meeting_busy ON meeting (organization_id, employee_id, busy_span, starts_s, ends_s, starts_at, ends_at, cancelled_at)
	WHERE starts_s IS NOT NULL AND cancelled_at IS NULL;
