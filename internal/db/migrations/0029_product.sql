-- +goose Up
-- What is sold, the same for all organizations. names, prices and modules are
-- JSON arrays.
CREATE TABLE product (
  id         {{.Text}} NOT NULL PRIMARY KEY,
  names      {{.JSON}} NOT NULL,
  prices     {{.JSON}} NOT NULL,
  modules    {{.JSON}} NOT NULL,
  trial_days {{.Int}} NOT NULL,
  active     {{.Bool}} NOT NULL,
  version    {{.Int}} NOT NULL,
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL
) {{.Strict}};
CREATE INDEX product_created_at ON product (created_at, id);

-- The catalogue that sede starts with. Operators change it.
INSERT INTO product (id, names, prices, modules, trial_days, active, version, created_at, updated_at) VALUES
  ('starter',
   '[{"language":"en","name":"Starter"},{"language":"pt","name":"Inicial"},{"language":"pl","name":"Start"}]',
   '[{"currency":"EUR","interval":"monthly","flat":1900,"perSeat":0},{"currency":"EUR","interval":"yearly","flat":19000,"perSeat":0},{"currency":"PLN","interval":"monthly","flat":7900,"perSeat":0},{"currency":"PLN","interval":"yearly","flat":79000,"perSeat":0}]',
   '["meetings"]', 14, {{.True}}, 1, {{if .PostgreSQL}}'2026-01-01 00:00:00+00'{{else}}1767225600000000{{end}}, {{if .PostgreSQL}}'2026-01-01 00:00:00+00'{{else}}1767225600000000{{end}}),
  ('team',
   '[{"language":"en","name":"Team"},{"language":"pt","name":"Equipa"},{"language":"pl","name":"Zespół"}]',
   '[{"currency":"EUR","interval":"monthly","flat":900,"perSeat":600},{"currency":"EUR","interval":"yearly","flat":9000,"perSeat":6000},{"currency":"PLN","interval":"monthly","flat":3900,"perSeat":2500},{"currency":"PLN","interval":"yearly","flat":39000,"perSeat":25000}]',
   '["employees","meetings"]', 14, {{.True}}, 1, {{if .PostgreSQL}}'2026-01-01 00:00:00+00'{{else}}1767225600000000{{end}}, {{if .PostgreSQL}}'2026-01-01 00:00:00+00'{{else}}1767225600000000{{end}}),
  ('bank',
   '[{"language":"en","name":"Bank connections"},{"language":"pt","name":"Ligações bancárias"},{"language":"pl","name":"Połączenia z bankiem"}]',
   '[{"currency":"EUR","interval":"monthly","flat":1200,"perSeat":0},{"currency":"EUR","interval":"yearly","flat":12000,"perSeat":0},{"currency":"PLN","interval":"monthly","flat":4900,"perSeat":0},{"currency":"PLN","interval":"yearly","flat":49000,"perSeat":0}]',
   '["bank"]', 0, {{.True}}, 1, {{if .PostgreSQL}}'2026-01-01 00:00:00+00'{{else}}1767225600000000{{end}}, {{if .PostgreSQL}}'2026-01-01 00:00:00+00'{{else}}1767225600000000{{end}});
