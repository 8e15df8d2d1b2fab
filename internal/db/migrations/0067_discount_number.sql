-- +goose Up
-- How many discounts the subscription was given so far: the same coupon again is another
-- discount.
ALTER TABLE subscription ADD COLUMN discount_number {{.Int}} NOT NULL DEFAULT 0;
