package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// bucket is a Store in a bucket of a server that speaks S3. Keys stand behind a
// prefix, so that several instances can share a bucket.
type bucket struct {
	client *minio.Client
	name   string
	prefix string // empty, or with a slash at its end
	host   string
}

// newBucket reads s3://KEY:SECRET@HOST[:PORT]/BUCKET[/PREFIX][?region=…][&insecure=true].
// Without key and secret they come from AWS_ACCESS_KEY_ID and
// AWS_SECRET_ACCESS_KEY, else from the machine's role. insecure speaks HTTP
// instead of HTTPS. The bucket must exist.
func newBucket(u *url.URL) (*bucket, error) {
	name, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if u.Host == "" || name == "" {
		return nil, errors.New("blob: s3://KEY:SECRET@HOST/BUCKET needs a host and a bucket")
	}
	insecure := false
	for key, values := range u.Query() {
		switch key {
		case "region":
		case "insecure":
			var err error
			if insecure, err = strconv.ParseBool(values[0]); err != nil {
				return nil, errors.New("blob: insecure must be true or false")
			}
		default:
			return nil, fmt.Errorf("blob: %q is no parameter of s3://…; there are region and insecure", key)
		}
	}
	keys := credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.IAM{}})
	if u.User != nil {
		secret, _ := u.User.Password()
		keys = credentials.NewStaticV4(u.User.Username(), secret, "")
	}
	client, err := minio.New(u.Host, &minio.Options{Creds: keys, Secure: !insecure, Region: u.Query().Get("region"), MaxRetries: 3})
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	b := &bucket{client: client, name: name, prefix: prefix, host: u.Host}
	if b.prefix != "" {
		b.prefix += "/"
	}
	return b, nil
}

func (b *bucket) String() string { return "s3://" + b.host + "/" + b.name + "/" + b.prefix }

func (b *bucket) Put(ctx context.Context, key string, content []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	_, err := b.client.PutObject(ctx, b.name, b.prefix+key, bytes.NewReader(content), int64(len(content)),
		minio.PutObjectOptions{ContentType: "application/octet-stream", DisableMultipart: true})
	return err
}

func (b *bucket) Get(ctx context.Context, key string) ([]byte, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	object, err := b.client.GetObject(ctx, b.name, b.prefix+key, minio.GetObjectOptions{})
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(object)
	if answer := minio.ToErrorResponse(err); err != nil && answer.Code == minio.NoSuchKey {
		return nil, ErrNotExist
	}
	return content, errors.Join(err, object.Close())
}

// partSize is how much of a file is sent at once and held in memory. There may be
// 10,000 parts.
const partSize = 16 << 20

func (b *bucket) Write(ctx context.Context, key string, content io.Reader) error {
	if err := checkKey(key); err != nil {
		return err
	}
	_, err := b.client.PutObject(ctx, b.name, b.prefix+key, content, -1,
		minio.PutObjectOptions{ContentType: "application/octet-stream", PartSize: partSize, NumThreads: 1, SendContentMd5: true, DisableContentSha256: true})
	return err
}

func (b *bucket) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	object, err := b.client.GetObject(ctx, b.name, b.prefix+key, minio.GetObjectOptions{})
	if err != nil {
		return nil, err
	}
	if _, err := object.Stat(); err != nil {
		_ = object.Close()
		if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
			return nil, ErrNotExist
		}
		return nil, err
	}
	return object, nil
}

func (b *bucket) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	err := b.client.RemoveObject(ctx, b.name, b.prefix+key, minio.RemoveObjectOptions{})
	if answer := minio.ToErrorResponse(err); err != nil && answer.StatusCode == http.StatusNotFound && answer.Code != minio.NoSuchBucket {
		return nil
	}
	return err
}

func (b *bucket) Check(ctx context.Context) error {
	exists, err := b.client.BucketExists(ctx, b.name)
	if err != nil {
		return err
	}
	if !exists {
		return fmt.Errorf("blob: there is no bucket %q", b.name)
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	return check(ctx, b, "pid-"+strconv.Itoa(os.Getpid())+"-"+url.QueryEscape(strings.ToLower(host)))
}
