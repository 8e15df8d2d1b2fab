package pgcluster_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"sede/internal/sedetest/pgcluster"
)

func connect(t *testing.T, url string) *pgx.Conn {
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func fill(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "CREATE TABLE thing (id int)")
	return err
}

func TestDatabasesAreApart(t *testing.T) {
	ctx := context.Background()
	for range 3 {
		conn := connect(t, pgcluster.Database(t, "filled", fill))
		if _, err := conn.Exec(ctx, "INSERT INTO thing VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM thing").Scan(&n); err != nil || n != 1 {
			t.Fatalf("%d rows, %v", n, err)
		}
	}
}

func TestRoleHasNoPrivileges(t *testing.T) {
	var super, bypass bool
	err := connect(t, pgcluster.Empty(t)).QueryRow(context.Background(),
		"SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user").Scan(&super, &bypass)
	if err != nil || super || bypass {
		t.Fatal(super, bypass, err)
	}
}
