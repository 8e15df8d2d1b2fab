-- +goose Up
-- By which values the rows of a segment are ordered, in the default order of their
-- collection. NULL: made before there was such an order.
ALTER TABLE text_segment ADD COLUMN steps {{.Bytes}};
