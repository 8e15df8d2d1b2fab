-- +goose Up
-- Discounts that operators hand out. Either percent or amount with currency is
-- set. applies_to is a JSON array of products; empty: all of them.
CREATE TABLE coupon (
  id              {{.ID}} NOT NULL PRIMARY KEY,
  code            {{.Text}} NOT NULL,
  name            {{.Text}} NOT NULL,
  percent         {{.Int}},
  amount          {{.Int}},
  currency        {{.Text}},
  duration        {{.Text}} NOT NULL,
  periods         {{.Int}},
  redeem_by       {{.Time}},
  max_redemptions {{.Int}},
  redemptions     {{.Int}} NOT NULL,
  applies_to      {{.JSON}} NOT NULL,
  active          {{.Bool}} NOT NULL,
  version         {{.Int}} NOT NULL,
  created_at      {{.Time}} NOT NULL,
  updated_at      {{.Time}} NOT NULL
) {{.Strict}};
CREATE UNIQUE INDEX coupon_code ON coupon (code);
CREATE INDEX coupon_created_at ON coupon (created_at, id);
