package sandbox

import (
	"context"
	"sync"
	"time"
)

// Store keeps the records of a Bank: small JSON texts under short keys, until a
// time after which they may be forgotten. It is safe for concurrent use.
type Store interface {
	// Load returns a record, nil when there is none.
	Load(ctx context.Context, key string) ([]byte, error)
	// Change replaces a record by what with makes of it, all at once. An error of
	// with is returned and changes nothing. with may run more than once.
	Change(ctx context.Context, key string, until time.Time, with func(old []byte) ([]byte, error)) error
}

// Memory is a Store that lives as long as the process and forgets nothing.
type Memory struct {
	mu      sync.Mutex
	records map[string][]byte
}

// NewMemory returns an empty Memory.
func NewMemory() *Memory { return &Memory{records: map[string][]byte{}} }

// Load returns a record.
func (m *Memory) Load(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.records[key], nil
}

// Change replaces a record.
func (m *Memory) Change(_ context.Context, key string, _ time.Time, with func([]byte) ([]byte, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	changed, err := with(m.records[key])
	if err == nil {
		m.records[key] = changed
	}
	return err
}
