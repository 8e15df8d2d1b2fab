package mail_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	sede "sede/internal/mail"
)

// mailServer is an SMTP server of the test's own.
type mailServer struct {
	t     *testing.T
	at    net.Addr
	roots *x509.CertPool
	smtp  *smtp.Server

	mu       sync.Mutex
	received []received
	log      bytes.Buffer // the conversations
	refuse   func(stage, argument string) error
}

// received is a mail that the server took.
type received struct {
	from, to string
	user     string // who was signed in
	secure   bool   // through TLS
	raw      string
}

const (
	smtpUser     = "sede"
	smtpPassword = "a very secret password"
)

// startServer starts a server. change may alter it before it listens.
func startServer(t *testing.T, implicit bool, change func(*smtp.Server)) *mailServer {
	t.Helper()
	s := &mailServer{t: t}
	certificate, roots := selfSigned(t)
	s.roots = roots
	s.smtp = smtp.NewServer(s)
	s.smtp.Domain, s.smtp.TLSConfig, s.smtp.EnableSMTPUTF8 = "localhost", &tls.Config{Certificates: []tls.Certificate{certificate}}, true
	s.smtp.Debug, s.smtp.ErrorLog = s, silence{}
	if change != nil {
		change(s.smtp)
	}
	s.listen("127.0.0.1:0", implicit)
	return s
}

func (s *mailServer) listen(address string, implicit bool) {
	s.t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.at = listener.Addr()
	if implicit {
		listener = tls.NewListener(listener, s.smtp.TLSConfig)
	}
	go func() { _ = s.smtp.Serve(listener) }()
	s.t.Cleanup(func() { _ = s.smtp.Close() })
}

// silence is where the server writes what it thinks of clients.
type silence struct{}

func (silence) Printf(string, ...any) {}
func (silence) Println(...any)        {}

// Write notes a part of a conversation.
func (s *mailServer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

// said returns the conversations until now.
func (s *mailServer) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// settings are those with which sede reaches the server.
func (s *mailServer) settings() *sede.Server {
	return &sede.Server{
		Host: "localhost", Port: s.at.(*net.TCPAddr).Port, Roots: s.roots, User: smtpUser, Password: smtpPassword,
		From: sede.Address{Name: "Sede, the workspace", Email: "no-reply@sede.example"}, Timeout: 5 * time.Second,
	}
}

func (s *mailServer) mails() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received{}, s.received...)
}

func (s *mailServer) refusal(stage, argument string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse == nil {
		return nil
	}
	return s.refuse(stage, argument)
}

// NewSession begins a conversation.
func (s *mailServer) NewSession(c *smtp.Conn) (smtp.Session, error) {
	if err := s.refusal("connect", ""); err != nil {
		return nil, err
	}
	return &session{s: s, conn: c}, nil
}

// session is one conversation.
type session struct {
	s    *mailServer
	conn *smtp.Conn
	now  received
}

func (c *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (c *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != smtpUser || password != smtpPassword {
			return smtp.ErrAuthFailed
		}
		c.now.user = user
		return nil
	}), nil
}

func (c *session) Mail(from string, _ *smtp.MailOptions) error {
	c.now.from = from
	_, c.now.secure = c.conn.TLSConnectionState()
	return c.s.refusal("from", from)
}

func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.now.to = to
	return c.s.refusal("to", to)
}

func (c *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := c.s.refusal("data", string(raw)); err != nil {
		return err
	}
	c.now.raw = string(raw)
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.received = append(c.s.received, c.now)
	return nil
}

func (c *session) Reset()        { c.now = received{user: c.now.user} }
func (c *session) Logout() error { return nil }

var (
	_ smtp.Backend     = (*mailServer)(nil)
	_ smtp.AuthSession = (*session)(nil)
)

// reply is an answer that refuses.
func reply(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: text}
}

// parsed reads the mail.
func (r *received) parsed(t *testing.T) *mail.Message {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(r.raw))
	if err != nil {
		t.Fatalf("%v in\n%s", err, r.raw)
	}
	return m
}

// selfSigned makes a certificate for localhost and the pool that trusts it.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err2 := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}
