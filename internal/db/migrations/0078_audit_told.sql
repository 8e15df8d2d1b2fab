-- +goose Up
-- Of which resources' changes somebody wants to be told: their names with blanks
-- between them, or * for all; NULL: none. It stands here because whoever appends to the chain
-- reads the row anyway.
ALTER TABLE audit_head ADD COLUMN told {{.Text}};
UPDATE audit_head SET told = '*' WHERE organization_id IN
	(SELECT organization_id FROM webhook_endpoint WHERE enabled = {{.True}} AND ' ' || events || ' ' LIKE '% * %');
