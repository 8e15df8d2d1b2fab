-- +goose Up
-- Who is who here, of the people in an archive, as an import found it first: JSON, so
-- that a repeated run does the same. "people" is null until then.
ALTER TABLE organization_transfer ADD COLUMN people {{.JSON}};
