package db

import (
	"time"

	"zombiezen.com/go/sqlite"

	"sede/internal/ident"
	"sede/internal/null"
)

// bindLite sets parameter i of a SQLite statement.
func bindLite(s *sqlite.Stmt, i int, arg any) error {
	switch v := arg.(type) {
	case nil:
		s.BindNull(i)
	case ident.ID:
		s.BindBytes(i, v[:])
	case string:
		return bindLiteText(s, i, v)
	case int:
		s.BindInt64(i, int64(v))
	case int64:
		s.BindInt64(i, v)
	case bool:
		s.BindBool(i, v)
	case time.Time:
		s.BindInt64(i, v.UnixMicro())
	case []byte:
		s.BindBytes(i, v)
	case float64:
		s.BindFloat(i, v)
	default:
		return bindLiteNull(s, i, arg)
	}
	return nil
}

func bindLiteText(s *sqlite.Stmt, i int, v string) error {
	if badText(v) {
		return errText
	}
	s.BindText(i, v)
	return nil
}

// bindLiteNull binds the types that may be absent.
func bindLiteNull(s *sqlite.Stmt, i int, arg any) error {
	switch v := arg.(type) {
	case null.Value[ident.ID]:
		if v.Valid {
			s.BindBytes(i, v.V[:])
			return nil
		}
	case null.Value[string]:
		if v.Valid {
			return bindLiteText(s, i, v.V)
		}
	case null.Value[int]:
		if v.Valid {
			s.BindInt64(i, int64(v.V))
			return nil
		}
	case null.Value[int64]:
		if v.Valid {
			s.BindInt64(i, v.V)
			return nil
		}
	case null.Value[bool]:
		if v.Valid {
			s.BindBool(i, v.V)
			return nil
		}
	case null.Value[time.Time]:
		if v.Valid {
			s.BindInt64(i, v.V.UnixMicro())
			return nil
		}
	case null.Value[[]byte]:
		if v.Valid {
			s.BindBytes(i, v.V)
			return nil
		}
	case null.Value[float64]:
		if v.Valid {
			s.BindFloat(i, v.V)
			return nil
		}
	default:
		return bindLitePointer(s, i, arg)
	}
	s.BindNull(i)
	return nil
}

func bindLitePointer(s *sqlite.Stmt, i int, arg any) error {
	switch v := arg.(type) {
	case *ident.ID:
		if v != nil {
			s.BindBytes(i, v[:])
			return nil
		}
	case *string:
		if v != nil {
			return bindLiteText(s, i, *v)
		}
	case *int:
		if v != nil {
			s.BindInt64(i, int64(*v))
			return nil
		}
	case *int64:
		if v != nil {
			s.BindInt64(i, *v)
			return nil
		}
	case *bool:
		if v != nil {
			s.BindBool(i, *v)
			return nil
		}
	case *time.Time:
		if v != nil {
			s.BindInt64(i, v.UnixMicro())
			return nil
		}
	case *[]byte:
		if v != nil {
			s.BindBytes(i, *v)
			return nil
		}
	case *float64:
		if v != nil {
			s.BindFloat(i, *v)
			return nil
		}
	default:
		return badType(arg)
	}
	s.BindNull(i)
	return nil
}
