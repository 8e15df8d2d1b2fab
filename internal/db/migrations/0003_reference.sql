-- +goose Up

-- The languages that the instance offers, by their canonical tags (BCP 47).
-- Operators add more.
CREATE TABLE language (
	id {{.Text}} NOT NULL PRIMARY KEY
) {{.Strict}};

INSERT INTO language (id) VALUES
	('ar'), ('bg'), ('bn'), ('bs'), ('ca'), ('cs'), ('cy'), ('da'),
	('de'), ('de-AT'), ('de-CH'), ('el'), ('en'), ('en-AU'), ('en-CA'), ('en-GB'), ('en-IE'), ('en-US'),
	('es'), ('es-419'), ('es-MX'), ('et'), ('eu'), ('fa'), ('fi'), ('fil'),
	('fr'), ('fr-BE'), ('fr-CA'), ('fr-CH'), ('ga'), ('gl'), ('he'), ('hi'), ('hr'), ('hu'), ('hy'),
	('id'), ('is'), ('it'), ('ja'), ('ka'), ('kk'), ('ko'), ('lb'), ('lt'), ('lv'), ('mk'), ('ms'), ('mt'),
	('nb'), ('nl'), ('nl-BE'), ('nn'), ('pl'), ('pt'), ('pt-BR'), ('pt-PT'), ('ro'), ('ru'),
	('sk'), ('sl'), ('sq'), ('sr'), ('sr-Latn'), ('sv'), ('sw'), ('ta'), ('th'), ('tr'), ('uk'), ('ur'),
	('vi'), ('zh-Hans'), ('zh-Hant');
