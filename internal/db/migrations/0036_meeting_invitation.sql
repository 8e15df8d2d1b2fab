-- +goose Up
-- Who was invited to a meeting by mail and has not been told that it is off. The
-- organizer stays the same for all mails about it.
CREATE TABLE meeting_invitation (
  organization_id {{.ID}} NOT NULL REFERENCES organization (id),
  meeting_id      {{.ID}} NOT NULL,
  employee_id     {{.ID}} NOT NULL,
  name            {{.Text}} NOT NULL,
  email           {{.Text}} NOT NULL,
  organizer       {{.Text}} NOT NULL,
  sequence        {{.Int}} NOT NULL,
  PRIMARY KEY (organization_id, meeting_id),
  FOREIGN KEY (organization_id, meeting_id) REFERENCES meeting (organization_id, id) ON DELETE CASCADE
) {{.Strict}};
{{.Tenant "meeting_invitation"}}
