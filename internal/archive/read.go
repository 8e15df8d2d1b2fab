package archive

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math"

	"sede/internal/fault"
)

// How large the parts of an archive may be that are held in memory.
const (
	mostManifest  = 16 << 20
	mostSignature = 4 << 10
	mostLine      = 32 << 20
	mostDirectory = 4 << 20 // the list of files at the end of the ZIP
)

// How much larger than the file what is packed in it may be. Lines of JSON get some
// ten times smaller.
const (
	mostPacked = 200
	mostSmall  = 64 << 20 // for files of any size
)

// Reader reads an archive whose signature counts.
type Reader struct {
	Manifest Manifest
	files    map[string]*zip.File
}

// Open reads the manifest and checks its signature, and that the files are those
// it names. What is wrong is told by an Unprocessable fault. The content of the
// files is not looked at yet: see Verify.
func Open(in io.ReaderAt, size int64, key *Key) (*Reader, error) {
	bounded := &budget{ReaderAt: in, left: mostDirectory}
	archive, err := zip.NewReader(bounded, size)
	if err != nil {
		return nil, damaged(err, "This file is no archive of sede, or not all of it.")
	}
	bounded.left = math.MaxInt64
	r := &Reader{files: make(map[string]*zip.File, len(archive.File))}
	for _, f := range archive.File {
		if r.files[f.Name] != nil {
			return nil, damaged(nil, "The archive was changed: it has two files named %s.", f.Name)
		}
		r.files[f.Name] = f
	}
	manifest, err := r.small(manifestFile, mostManifest)
	if err != nil {
		return nil, err
	}
	if err := r.authenticate(manifest, key); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(manifest, &r.Manifest); err != nil {
		return nil, damaged(err, "This file is no archive of sede, or not all of it.")
	}
	return r, r.compare(size)
}

// budget reads up to a number of bytes: a list of millions of files would fill the
// memory before anybody has looked at the signature.
type budget struct {
	io.ReaderAt
	left int64
}

func (b *budget) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, errors.New("archive: too many files")
	}
	return b.ReaderAt.ReadAt(p, off)
}

// small reads a file that is held in memory.
func (r *Reader) small(name string, most int64) ([]byte, error) {
	f := r.files[name]
	if f == nil {
		return nil, damaged(nil, "This file is no archive of sede, or not all of it.")
	}
	delete(r.files, name)
	in, err := f.Open()
	if err != nil {
		return nil, damaged(err, "The archive is damaged in %s.", name)
	}
	defer in.Close()
	content, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil || int64(len(content)) > most {
		return nil, damaged(err, "The archive is damaged in %s.", name)
	}
	return content, nil
}

// authenticate checks who signed.
func (r *Reader) authenticate(manifest []byte, key *Key) error {
	var format struct{ Format string }
	if json.Unmarshal(manifest, &format) == nil && format.Format != "" && format.Format != Format {
		return damaged(nil, "This sede can't read archives of the form %q.", format.Format)
	}
	content, err := r.small(signatureFile, mostSignature)
	if err != nil {
		return err
	}
	var s signature
	if err := json.Unmarshal(content, &s); err != nil || s.Algorithm != ed25519Name {
		return damaged(err, "The archive is damaged in %s.", signatureFile)
	}
	signed, trusted := key.verify(s.PublicKey, manifest, s.Signature)
	switch {
	case !signed:
		return damaged(nil, "The archive was changed after it was signed.")
	case !trusted:
		return damaged(nil, "The archive was signed by an instance that is not trusted here. Its key is %s.", base64Key(s.PublicKey))
	}
	return nil
}

// compare checks that the files are those of the manifest, and of a size that can
// be.
func (r *Reader) compare(size int64) error {
	var unpacked int64
	for _, f := range r.Manifest.Files {
		have := r.files[f.Name]
		if have == nil {
			return damaged(nil, "The archive was changed: %s is missing.", f.Name)
		}
		if have.UncompressedSize64 != uint64(f.Bytes) {
			return damaged(nil, "The archive was changed: %s is not as it was written.", f.Name)
		}
	}
	for _, f := range r.Manifest.Files {
		if unpacked += f.Bytes; f.Bytes < 0 || f.Rows < 0 || f.Rows > f.Bytes || unpacked/mostPacked > size+mostSmall/mostPacked {
			return damaged(nil, "The archive would become too large when it is unpacked.")
		}
	}
	if len(r.files) != len(r.Manifest.Files) {
		return damaged(nil, "The archive was changed: there are files that it did not have.")
	}
	return nil
}

// File finds the file with the rows of a table; nil when there is none.
func (r *Reader) File(table string) *File {
	for i := range r.Manifest.Files {
		if r.Manifest.Files[i].Table == table {
			return &r.Manifest.Files[i]
		}
	}
	return nil
}

// Read returns the content of a file that is small enough for the memory.
func (r *Reader) Read(f *File) ([]byte, error) {
	in, err := r.files[f.Name].Open()
	if err != nil || f.Bytes > mostManifest {
		return nil, damaged(err, "The archive is damaged in %s.", f.Name)
	}
	defer in.Close()
	content, err := io.ReadAll(io.LimitReader(in, f.Bytes))
	if err != nil {
		return nil, damaged(err, "The archive is damaged in %s.", f.Name)
	}
	return content, nil
}

// Verify reads all files and checks that they are as they were written. It unpacks
// those only that were packed anew.
func (r *Reader) Verify() error {
	for i := range r.Manifest.Files {
		if err := r.verify(&r.Manifest.Files[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) verify(f *File) error {
	if f.Packed != "" && r.intact(f) {
		return nil
	}
	in, err := r.files[f.Name].Open()
	if err != nil {
		return damaged(err, "The archive is damaged in %s.", f.Name)
	}
	defer in.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(in, f.Bytes+1))
	want, _ := hex.DecodeString(f.SHA256)
	if err != nil || n != f.Bytes || !bytes.Equal(sum.Sum(nil), want) {
		return damaged(err, "The archive was changed: %s is not as it was written.", f.Name)
	}
	return nil
}

// intact reports whether a file is packed as it was when the manifest was signed.
// What it unpacks to follows from that.
func (r *Reader) intact(f *File) bool {
	file := r.files[f.Name]
	in, err := file.OpenRaw()
	if err != nil || file.Method != zip.Deflate {
		return false
	}
	sum := sha256.New()
	_, err = io.Copy(sum, in)
	return err == nil && hex.EncodeToString(sum.Sum(nil)) == f.Packed
}

// damaged is what is wrong with an archive.
func damaged(err error, format string, args ...any) error {
	return fault.Wrap(errors.Join(errDamaged, err), fault.Unprocessable, format, args...)
}

var errDamaged = errors.New("archive: not to be used")

// IsDamaged reports whether err says what is wrong with an archive.
func IsDamaged(err error) bool { return errors.Is(err, errDamaged) }

// Reason is what is wrong with an archive; otherwise for other errors.
func Reason(err error, otherwise fault.Text) fault.Text {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || !IsDamaged(err) {
		return otherwise
	}
	return f.Text
}
