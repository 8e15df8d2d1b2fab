package blob

import (
	"context"
	"errors"
	"io"
	"os"
)

// File opens what is stored under the key so that it can be read anywhere. What
// comes from afar is copied to a temporary file first, which goes when it is closed.
func File(ctx context.Context, s Store, key string) (*os.File, int64, error) {
	in, err := s.Open(ctx, key)
	if err != nil {
		return nil, 0, err
	}
	file, here := in.(*os.File)
	if !here {
		defer in.Close()
		if file, err = os.CreateTemp("", "sede-blob-*"); err != nil {
			return nil, 0, err
		}
		_ = os.Remove(file.Name()) // where the system lets
		if _, err := io.Copy(file, in); err != nil {
			return nil, 0, errors.Join(err, file.Close())
		}
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}
