package db

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"sede/internal/ident"
	"sede/internal/null"
)

// binaryResults asks for all columns in PostgreSQL's binary format.
var binaryResults = []int16{1}

// epoch is PostgreSQL's zero of time, 2000-01-01, in Unix microseconds.
const epoch = 946684800_000000

// encode adds an argument for a parameter of the given type. What has no binary
// form for that type is sent as text, and the server reads or refuses it.
func (s *pgSession) encode(oid uint32, arg any) error {
	switch v := arg.(type) {
	case nil:
		s.null()
	case ident.ID:
		s.id(oid, v)
	case string:
		return s.text(v)
	case int:
		s.int(oid, int64(v))
	case int64:
		s.int(oid, v)
	case bool:
		s.bool(oid, v)
	case time.Time:
		s.time(oid, v)
	case []byte:
		s.bytes(v)
	case float64:
		s.float(oid, v)
	default:
		return s.encodeNull(oid, arg)
	}
	return nil
}

func (s *pgSession) encodeNull(oid uint32, arg any) error {
	switch v := arg.(type) {
	case null.Value[ident.ID]:
		if v.Valid {
			s.id(oid, v.V)
			return nil
		}
	case null.Value[string]:
		if v.Valid {
			return s.text(v.V)
		}
	case null.Value[int]:
		if v.Valid {
			s.int(oid, int64(v.V))
			return nil
		}
	case null.Value[int64]:
		if v.Valid {
			s.int(oid, v.V)
			return nil
		}
	case null.Value[bool]:
		if v.Valid {
			s.bool(oid, v.V)
			return nil
		}
	case null.Value[time.Time]:
		if v.Valid {
			s.time(oid, v.V)
			return nil
		}
	case null.Value[[]byte]:
		if v.Valid {
			s.bytes(v.V)
			return nil
		}
	case null.Value[float64]:
		if v.Valid {
			s.float(oid, v.V)
			return nil
		}
	default:
		return s.encodePointer(oid, arg)
	}
	s.null()
	return nil
}

func (s *pgSession) encodePointer(oid uint32, arg any) error {
	switch v := arg.(type) {
	case *ident.ID:
		if v != nil {
			s.id(oid, *v)
			return nil
		}
	case *string:
		if v != nil {
			return s.text(*v)
		}
	case *int:
		if v != nil {
			s.int(oid, int64(*v))
			return nil
		}
	case *int64:
		if v != nil {
			s.int(oid, *v)
			return nil
		}
	case *bool:
		if v != nil {
			s.bool(oid, *v)
			return nil
		}
	case *time.Time:
		if v != nil {
			s.time(oid, *v)
			return nil
		}
	case *[]byte:
		if v != nil {
			s.bytes(*v)
			return nil
		}
	case *float64:
		if v != nil {
			s.float(oid, *v)
			return nil
		}
	default:
		return badType(arg)
	}
	s.null()
	return nil
}

// The writers of single values. Each adds what it appended to s.values.

const (
	asText   int16 = 0
	asBinary int16 = 1
)

func (s *pgSession) param(from int, format int16) {
	s.params = append(s.params, s.values[from:len(s.values):len(s.values)])
	s.format = append(s.format, format)
}

func (s *pgSession) null() {
	s.params = append(s.params, nil)
	s.format = append(s.format, asText)
}

func (s *pgSession) text(v string) error {
	if badText(v) {
		return errText
	}
	from := len(s.values)
	s.values = append(s.values, v...)
	s.param(from, asText)
	return nil
}

func (s *pgSession) bytes(v []byte) {
	from := len(s.values)
	s.values = append(s.values, v...)
	s.param(from, asBinary)
}

func (s *pgSession) id(oid uint32, v ident.ID) {
	from := len(s.values)
	if oid == pgtype.UUIDOID {
		s.values = append(s.values, v[:]...)
		s.param(from, asBinary)
		return
	}
	s.values = v.Append(s.values)
	s.param(from, asText)
}

func (s *pgSession) int(oid uint32, v int64) {
	from := len(s.values)
	switch {
	case oid == pgtype.Int8OID:
		s.values = binary.BigEndian.AppendUint64(s.values, uint64(v))
	case oid == pgtype.Int4OID && v == int64(int32(v)):
		s.values = binary.BigEndian.AppendUint32(s.values, uint32(v))
	case oid == pgtype.Int2OID && v == int64(int16(v)):
		s.values = binary.BigEndian.AppendUint16(s.values, uint16(v))
	default:
		s.values = strconv.AppendInt(s.values, v, 10)
		s.param(from, asText)
		return
	}
	s.param(from, asBinary)
}

func (s *pgSession) bool(oid uint32, v bool) {
	from := len(s.values)
	b := byte('0')
	format := asText
	if oid == pgtype.BoolOID {
		b, format = 0, asBinary
	}
	if v {
		b++
	}
	s.values = append(s.values, b)
	s.param(from, format)
}

func (s *pgSession) time(oid uint32, v time.Time) {
	from := len(s.values)
	if oid == pgtype.TimestamptzOID {
		s.values = binary.BigEndian.AppendUint64(s.values, uint64(v.UnixMicro()-epoch))
		s.param(from, asBinary)
		return
	}
	s.values = v.UTC().AppendFormat(s.values, "2006-01-02T15:04:05.999999Z")
	s.param(from, asText)
}

func (s *pgSession) float(oid uint32, v float64) {
	from := len(s.values)
	if oid == pgtype.Float8OID {
		s.values = binary.BigEndian.AppendUint64(s.values, math.Float64bits(v))
		s.param(from, asBinary)
		return
	}
	s.values = strconv.AppendFloat(s.values, v, 'g', -1, 64)
	s.param(from, asText)
}

// pgValues is a row in PostgreSQL's binary format.
type pgValues struct {
	fields []pgconn.FieldDescription
	raw    [][]byte // nil: NULL
}

// scanPg copies the columns into dest.
func scanPg(row *pgValues, dest []any) error {
	if len(dest) != len(row.raw) {
		return fmt.Errorf("db: %d destinations for %d columns", len(dest), len(row.raw))
	}
	for i, d := range dest {
		raw, oid := row.raw[i], row.fields[i].DataTypeOID
		ok := false
		var err error
		if raw == nil {
			ok, err = scanNull(d)
		} else {
			ok, err = scanPgValue(oid, raw, d)
		}
		if err != nil {
			return err
		}
		if !ok {
			return mismatch(i, d, typeName(oid, raw == nil))
		}
	}
	return nil
}

func typeName(oid uint32, null bool) string {
	switch {
	case null:
		return "NULL"
	case oid == pgtype.NumericOID:
		return "numeric: cast it to bigint"
	}
	return "type " + strconv.Itoa(int(oid))
}

// scanPgValue copies a column that is not NULL; false when the types don't fit.
func scanPgValue(oid uint32, raw []byte, dest any) (bool, error) {
	switch oid {
	case pgtype.Int8OID:
		return scanInt(int64(binary.BigEndian.Uint64(raw)), dest)
	case pgtype.Int4OID:
		return scanInt(int64(int32(binary.BigEndian.Uint32(raw))), dest)
	case pgtype.Int2OID:
		return scanInt(int64(int16(binary.BigEndian.Uint16(raw))), dest)
	case pgtype.Float8OID:
		return scanFloat(math.Float64frombits(binary.BigEndian.Uint64(raw)), dest)
	case pgtype.BoolOID:
		return scanPgBool(raw[0] != 0, dest)
	case pgtype.TimestamptzOID:
		return scanPgTime(time.UnixMicro(int64(binary.BigEndian.Uint64(raw))+epoch).UTC(), dest)
	case pgtype.UUIDOID:
		return scanPgID(ident.ID(raw), dest)
	case pgtype.ByteaOID:
		return scanPgBytes(raw, dest)
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID, pgtype.NameOID, pgtype.JSONOID, pgtype.UnknownOID:
		return scanPgText(raw, dest)
	}
	return false, knownDest(dest)
}

func scanPgBool(v bool, dest any) (bool, error) {
	switch d := dest.(type) {
	case *bool:
		*d = v
	case *null.Value[bool]:
		*d = null.Of(v)
	case **bool:
		n := v
		*d = &n
	default:
		return false, knownDest(dest)
	}
	return true, nil
}

func scanPgTime(v time.Time, dest any) (bool, error) {
	switch d := dest.(type) {
	case *time.Time:
		*d = v
	case *null.Value[time.Time]:
		*d = null.Of(v)
	case **time.Time:
		n := v
		*d = &n
	default:
		return false, knownDest(dest)
	}
	return true, nil
}

func scanPgID(v ident.ID, dest any) (bool, error) {
	switch d := dest.(type) {
	case *ident.ID:
		*d = v
	case *null.Value[ident.ID]:
		*d = null.Of(v)
	case **ident.ID:
		n := v
		*d = &n
	default:
		return false, knownDest(dest)
	}
	return true, nil
}

func scanPgBytes(raw []byte, dest any) (bool, error) {
	switch d := dest.(type) {
	case *[]byte:
		*d = append([]byte{}, raw...)
	case *null.Value[[]byte]:
		*d = null.Of(append([]byte{}, raw...))
	case **[]byte:
		v := append([]byte{}, raw...)
		*d = &v
	default:
		return false, knownDest(dest)
	}
	return true, nil
}

func scanPgText(raw []byte, dest any) (bool, error) {
	switch d := dest.(type) {
	case *string:
		*d = string(raw)
	case *null.Value[string]:
		*d = null.Of(string(raw))
	case **string:
		v := string(raw)
		*d = &v
	default:
		return false, knownDest(dest)
	}
	return true, nil
}
