package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sede/internal/db"
	"sede/internal/ident"
)

// handPg is PostgreSQL through pgx, without layers and, since its role passes by
// it, without row-level security.
type handPg struct {
	audit bool
	ids   *ident.Source
	pool  *pgxpool.Pool
}

func openHandPostgres(s *handSettings) (*handPg, error) {
	pool, err := pgxpool.New(context.Background(), s.Database)
	return &handPg{audit: s.Audit, ids: ids(), pool: pool}, err
}

func (l *handLocation) scanRow(row pgx.Row) error {
	var open, close *int64
	var country, address *string
	var created, updated time.Time
	err := row.Scan((*[16]byte)(&l.id), &l.name, &open, &close, &l.zone, &country, &address, &l.version, &created, &updated)
	l.open, l.close, l.country, l.address = nullInt{}, nullInt{}, nullText{}, nullText{}
	if open != nil {
		l.open = nullInt{*open, true}
	}
	if close != nil {
		l.close = nullInt{*close, true}
	}
	if country != nil {
		l.country = nullText{*country, true}
	}
	if address != nil {
		l.address = nullText{*address, true}
	}
	l.created, l.updated = created.UnixMicro(), updated.UnixMicro()
	return err
}

func (h *handPg) get(organization, id ident.ID, l *handLocation) (bool, error) {
	err := l.scanRow(h.pool.QueryRow(context.Background(),
		"SELECT "+handColumns+" FROM location WHERE organization_id = $1 AND id = $2", [16]byte(organization), [16]byte(id)))
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (h *handPg) page(organization ident.ID, country, text string, each func(*handLocation)) (total int64, err error) {
	where, arguments := "organization_id = $1", []any{[16]byte(organization)}
	switch {
	case country != "":
		where, arguments = where+" AND country = $2", append(arguments, country)
	case text != "":
		where, arguments = where+" AND name_fold LIKE $2", append(arguments, "%"+text+"%")
	}
	var batch pgx.Batch
	batch.Queue("SELECT "+handColumns+" FROM location WHERE "+where+" ORDER BY id LIMIT 31", arguments...)
	switch {
	case country != "":
		batch.Queue("SELECT rows FROM row_count WHERE organization_id = $1 AND resource = 'location/' || $2", arguments...)
	case text == "":
		batch.Queue("SELECT rows FROM row_count WHERE organization_id = $1 AND resource = 'location'", arguments...)
	default:
		batch.Queue("SELECT count(*) FROM (SELECT 1 FROM location WHERE "+where+" LIMIT 1001) AS m", arguments...)
	}
	results := h.pool.SendBatch(context.Background(), &batch)
	rows, err := results.Query()
	if err != nil {
		return 0, errors.Join(err, results.Close())
	}
	var l handLocation
	for rows.Next() {
		if err := l.scanRow(rows); err != nil {
			return 0, errors.Join(err, results.Close())
		}
		each(&l)
	}
	err = results.QueryRow().Scan(&total)
	return total, errors.Join(rows.Err(), err, results.Close())
}

const handInsert = `INSERT INTO location (organization_id, id, name, name_fold, office_open_hour, office_close_hour,
	time_zone, country, address, version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

// values are the columns from name to version.
func (l *handLocation) values() []any {
	return []any{l.name, db.Fold(l.name), l.open.any(), l.close.any(), l.zone, l.country.any(), l.address.any(), l.version}
}

func (n nullInt) any() any {
	if !n.valid {
		return nil
	}
	return n.v
}

func (t nullText) any() any {
	if !t.valid {
		return nil
	}
	return t.v
}

func (h *handPg) create(who *handCaller, l *handLocation) error {
	ctx := context.Background()
	if l.zone == "" {
		l.zone = "UTC"
	}
	arguments := append([]any{[16]byte(who.organization), [16]byte(l.id)}, l.values()...)
	arguments = append(arguments, time.UnixMicro(l.created), time.UnixMicro(l.updated))
	if !h.audit {
		_, err := h.pool.Exec(ctx, handInsert, arguments...)
		return err
	}
	return h.transact(ctx, func(conn *pgx.Conn) error {
		var batch pgx.Batch
		batch.Queue("BEGIN")
		batch.Queue(handInsert, arguments...)
		batch.Queue("UPDATE row_count SET rows = rows + 1 WHERE organization_id = $1 AND resource IN ('location', $2)", [16]byte(who.organization), l.group())
		return h.record(ctx, conn, &batch, who, "create", l.id, nil, l.json)
	})
}

func (h *handPg) patch(who *handCaller, id ident.ID, l *handLocation, change func() error) (found bool, err error) {
	ctx := context.Background()
	err = h.transact(ctx, func(conn *pgx.Conn) error {
		var batch pgx.Batch
		batch.Queue("BEGIN")
		batch.Queue("SELECT "+handColumns+" FROM location WHERE organization_id = $1 AND id = $2 FOR UPDATE", [16]byte(who.organization), [16]byte(id))
		results := conn.SendBatch(ctx, &batch)
		_, err := results.Exec()
		if err == nil {
			err = l.scanRow(results.QueryRow())
		}
		if err := errors.Join(err, results.Close()); err != nil {
			return err
		}
		found = true
		before := l.json()
		if err := change(); err != nil {
			return err
		}
		var second pgx.Batch
		second.Queue(`UPDATE location SET name = $3, name_fold = $4, office_open_hour = $5, office_close_hour = $6, time_zone = $7,
			country = $8, address = $9, version = $10, updated_at = $11 WHERE organization_id = $1 AND id = $2`,
			append(append([]any{[16]byte(who.organization), [16]byte(id)}, l.values()...), time.UnixMicro(l.updated))...)
		if !h.audit {
			second.Queue("COMMIT")
			return conn.SendBatch(ctx, &second).Close()
		}
		return h.record(ctx, conn, &second, who, "update", id, before, l.json)
	})
	return found, err
}

// transact runs a transaction on one connection and rolls back what failed.
func (h *handPg) transact(ctx context.Context, do func(conn *pgx.Conn) error) error {
	return h.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		err := do(c.Conn())
		if err != nil {
			_, second := c.Exec(ctx, "ROLLBACK")
			err = errors.Join(err, second)
		}
		return err
	})
}

// record sends what is queued with the next number of the chain, then the entry
// and COMMIT.
func (h *handPg) record(ctx context.Context, conn *pgx.Conn, batch *pgx.Batch, who *handCaller, action string, id ident.ID, before []byte, after func() []byte) error {
	batch.Queue("UPDATE audit_head SET seq = seq + 1 WHERE organization_id = $1 RETURNING seq, hash", [16]byte(who.organization))
	results := conn.SendBatch(ctx, batch)
	for range batch.Len() - 1 {
		if _, err := results.Exec(); err != nil {
			return errors.Join(err, results.Close())
		}
	}
	var seq int64
	var previous []byte
	err := results.QueryRow().Scan(&seq, &previous)
	if err := errors.Join(err, results.Close()); err != nil {
		return err
	}
	key, now := id.String(), after()
	hash := handHash(who, seq, action, key, before, now, previous)
	var last any
	if before != nil {
		last = string(before)
	}
	var second pgx.Batch
	second.Queue(`INSERT INTO audit_log (organization_id, seq, id, at, actor, actor_name, operator, address, agent,
		action, resource, resource_key, before, after, previous_hash, hash)
		VALUES ($1, $2, $3, $4, $5, $6, false, $7, $8, $9, 'Location', $10, $11, $12, $13, $14)`,
		[16]byte(who.organization), seq, [16]byte(h.ids.New()), time.Now(), [16]byte(who.user), who.username, who.address, who.from,
		action, key, last, string(now), previous, hash)
	second.Queue("UPDATE audit_head SET hash = $2 WHERE organization_id = $1", [16]byte(who.organization), hash)
	second.Queue("COMMIT")
	return conn.SendBatch(ctx, &second).Close()
}
