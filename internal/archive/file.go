package archive

import (
	"archive/zip"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"runtime"
	"slices"
	"time"
)

// An archive is a ZIP file, so that everybody can look into it: a file of JSON
// lines for each table, a file for each blob, and at the end the manifest, which
// says what is in the others with their SHA-256, and its signature.

// Format names the form of archives. It changes when an older sede can't read them
// any more.
const Format = "sede archive 1"

// The files beside the data.
const (
	manifestFile  = "manifest.json"
	signatureFile = "manifest.sig"
)

// What archives are of.
const (
	KindWorking      = "working"      // the working data of an organization, to restore it
	KindOrganization = "organization" // everything of an organization
	KindPerson       = "person"       // everything of a user
)

// Manifest says what an archive holds. It is signed.
type Manifest struct {
	Format       string    `json:"format"`
	Kind         string    `json:"kind"`
	Schema       int       `json:"schema"` // version of the database schema
	CreatedAt    time.Time `json:"createdAt"`
	Organization Subject   `json:"organization,omitzero"`
	User         Subject   `json:"user,omitzero"`
	Counts       []Counter `json:"counts"` // what was counted of the rows
	Files        []File    `json:"files"`
}

// Subject is what an archive is of.
type Subject struct {
	ID   string `json:"id"`
	Slug string `json:"slug,omitempty"`
	Name string `json:"name,omitempty"`
}

// Counter is one row of row_count.
type Counter struct {
	Resource string `json:"resource"`
	Rows     int64  `json:"rows"`
}

// File is one file in an archive.
type File struct {
	Name    string   `json:"name"`
	Table   string   `json:"table,omitempty"` // whose rows it has
	Columns []string `json:"columns,omitempty"`
	Rows    int64    `json:"rows"`
	Bytes   int64    `json:"bytes"`
	SHA256  string   `json:"sha256"`
	// Packed is the SHA-256 of the bytes in the ZIP, so that a file that nobody packed
	// anew is checked without unpacking it; empty in archives of an older sede.
	Packed string `json:"packedSha256,omitempty"`
}

// signature is the content of its file.
type signature struct {
	Algorithm string `json:"algorithm"`
	PublicKey []byte `json:"publicKey"`
	Signature []byte `json:"signature"`
}

const ed25519Name = "Ed25519"

// Writer writes an archive as it comes, in constant memory.
type Writer struct {
	zip      *zip.Writer
	key      *Key
	Manifest Manifest
	// Wrote is called at times with the number of rows that are written; nil: it is
	// not. When it fails, so does what is being written.
	Wrote func(rows int64) error

	rows    int64 // of all files
	current *File
	entry   io.Writer
	sum     hash.Hash // of the content
	packed  hash.Hash // of what the entry's content is packed into
}

// NewWriter begins an archive. The manifest says all but the files.
func NewWriter(out io.Writer, key *Key, m Manifest) *Writer {
	w := &Writer{zip: zip.NewWriter(out), key: key, Manifest: m, sum: sha256.New()}
	w.Manifest.Format, w.Manifest.Files = Format, []File{}
	w.zip.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		w.packed = sha256.New()
		return flate.NewWriter(io.MultiWriter(out, w.packed), flate.BestSpeed)
	})
	return w
}

// begin starts the next file.
func (w *Writer) begin(f File) error {
	if err := w.next(f.Name); err != nil {
		return err
	}
	w.current = &f
	w.sum.Reset()
	return nil
}

// next ends the file that was begun and starts one that the manifest does not name
// yet.
func (w *Writer) next(name string) (err error) {
	packed := w.packed // complete when the next one starts
	w.entry, err = w.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: w.Manifest.CreatedAt.UTC()})
	if err == nil && w.current != nil {
		w.current.SHA256, w.current.Packed = hex.EncodeToString(w.sum.Sum(nil)), hex.EncodeToString(packed.Sum(nil))
		w.Manifest.Files = append(w.Manifest.Files, *w.current)
		w.current = nil
	}
	return err
}

// Write adds to the file that was begun.
func (w *Writer) Write(content []byte) (int, error) {
	w.sum.Write(content)
	w.current.Bytes += int64(len(content))
	for piece := range slices.Chunk(content, pieceSize) {
		if _, err := w.entry.Write(piece); err != nil {
			return 0, err
		}
		runtime.Gosched()
	}
	return len(content), nil
}

const (
	// pieceSize is how many bytes are packed, and pieceRows how many rows are read or
	// written, before other work may use the processor: work of milliseconds on all of
	// them keeps those waiting who ask for little.
	pieceSize = 32 << 10
	pieceRows = 64
)

// WriteFile adds a file of its own.
func (w *Writer) WriteFile(name string, content []byte) error {
	if err := w.begin(File{Name: name}); err != nil {
		return err
	}
	_, err := w.Write(content)
	return err
}

// Close writes the manifest and its signature. Without it the archive is none.
func (w *Writer) Close() error {
	if err := w.next(manifestFile); err != nil {
		return err
	}
	manifest, err := json.MarshalIndent(&w.Manifest, "", " ")
	if err != nil {
		return err
	}
	signed, err := json.Marshal(signature{Algorithm: ed25519Name, PublicKey: w.key.Public(), Signature: w.key.sign(manifest)})
	if err != nil {
		return err
	}
	if _, err := w.entry.Write(manifest); err != nil {
		return err
	}
	if err := w.next(signatureFile); err != nil {
		return err
	}
	if _, err := w.entry.Write(signed); err != nil {
		return err
	}
	return w.zip.Close()
}
