-- +goose Up
-- Which event of a calendar that was imported became which meeting, so that
-- importing it again changes the meeting. occurrence is when an occurrence of an
-- event that repeats was meant to begin, in UTC; empty for others.
CREATE TABLE meeting_import (
  organization_id {{.ID}} NOT NULL REFERENCES organization (id),
  employee_id     {{.ID}} NOT NULL,
  uid             {{.Text}} NOT NULL,
  occurrence      {{.Text}} NOT NULL,
  meeting_id      {{.ID}} NOT NULL,
  starts_s        {{.Int}} NOT NULL,
  PRIMARY KEY (organization_id, employee_id, uid, occurrence),
  FOREIGN KEY (organization_id, employee_id) REFERENCES employee (organization_id, id),
  FOREIGN KEY (organization_id, meeting_id) REFERENCES meeting (organization_id, id) ON DELETE CASCADE
) {{.Strict}};
CREATE UNIQUE INDEX meeting_import_meeting_id ON meeting_import (organization_id, meeting_id);
{{.Tenant "meeting_import"}}
