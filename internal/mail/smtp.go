package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
	"golang.org/x/net/idna"

	"sede/internal/jobs"
)

// Encryption says how the connection to a server for mail is protected.
type Encryption string

// The choices. Without Required, whoever sits between can read the mail.
const (
	Required      Encryption = "required"      // nothing is sent without TLS, the default
	Opportunistic Encryption = "opportunistic" // STARTTLS if the server offers it
	Plain         Encryption = "off"           // no TLS; a password goes to this machine only
)

// Server is a server that takes mail and delivers it (RFC 6409).
type Server struct {
	Host       string
	Port       int
	Implicit   bool       // TLS from the first byte on (RFC 8314) instead of STARTTLS
	Encryption Encryption // empty: Required
	User       string     // empty: no authentication
	Password   string
	From       Address        // whom mail comes from
	Timeout    time.Duration  // to connect, and to hand one mail over; 0: 30 s
	Roots      *x509.CertPool // who may sign the server's certificate; nil: whom the system trusts
}

// The usual ports of submission.
const (
	portSTARTTLS = 587
	portImplicit = 465
)

// ParseServer reads smtp://host:587, which becomes encrypted by STARTTLS, or
// smtps://host:465, which is from the beginning, and whom mail comes from, such
// as "sede <no-reply@sede.example>".
func ParseServer(address, from string) (*Server, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return nil, errors.New("it must be smtp:// or smtps:// with a host, e.g. smtp://mail.example:587")
	}
	s := &Server{Host: u.Hostname(), Port: portSTARTTLS, Implicit: u.Scheme == "smtps"}
	switch {
	case u.User != nil:
		return nil, errors.New("it must not hold the user: that and the password are settings of their own")
	case s.Implicit:
		s.Port = portImplicit
	case u.Scheme != "smtp":
		return nil, fmt.Errorf("%q is neither smtp nor smtps", u.Scheme)
	}
	if text := u.Port(); text != "" {
		if s.Port, err = strconv.Atoi(text); err != nil || s.Port < 1 || s.Port > 65535 {
			return nil, fmt.Errorf("%q is no port", text)
		}
	}
	parsed, err := netmail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("mail needs a sender, e.g. sede <no-reply@sede.example>; %q is none", from)
	}
	s.From = Address{Name: oneLine(parsed.Name), Email: parsed.Address}
	return s, nil
}

// String is where the server is, without any secret.
func (s *Server) String() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

func (s *Server) timeout() time.Duration {
	if s.Timeout == 0 {
		return 30 * time.Second
	}
	return s.Timeout
}

// Check connects and signs in as for a mail, and sends none.
func (s *Server) Check(ctx context.Context) error {
	c, err := s.dial(ctx, false)
	if err != nil {
		return err
	}
	c.close()
	return nil
}

// connection is one visit to the server.
type connection struct {
	client *gomail.Client
	smtp   *smtp.Client
	net    net.Conn
	unhook func() bool // from the context
}

// mechanisms are the ways to sign in, the best first. Those that show the
// password are refused by the library without TLS, except on this machine.
var mechanisms = []gomail.SMTPAuthType{
	gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthCramMD5,
}

// dial connects, encrypts and signs in. unicode says that an address is not
// ASCII, which needs a server that can SMTPUTF8 (RFC 6531). The connection ends
// when ctx does.
func (s *Server) dial(ctx context.Context, unicode bool) (*connection, error) {
	var c connection
	options := []gomail.Option{
		gomail.WithPort(s.Port), gomail.WithTimeout(s.timeout()), gomail.WithoutNoop(), gomail.WithTLSPolicy(s.policy()),
		gomail.WithDialContextFunc(func(dialing context.Context, network, address string) (_ net.Conn, err error) {
			if c.net, err = s.connect(dialing, network, address); err == nil {
				c.unhook = context.AfterFunc(ctx, func() { _ = c.net.Close() })
			}
			return c.net, err
		}),
		gomail.WithTLSConfig(s.tls()),
	}
	if s.Implicit {
		options = append(options, gomail.WithSSL())
	}
	if !unicode {
		options = append(options, gomail.WithoutSMTPUTF8())
	}
	if s.User != "" {
		options = append(options, gomail.WithOpportunisticSMTPAuth(mechanisms...), gomail.WithUsername(s.User), gomail.WithPassword(s.Password))
	}
	var err error
	if c.client, err = gomail.NewClient(s.Host, options...); err != nil {
		return nil, err
	}
	c.smtp, err = c.client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		c.end()
		return nil, err
	}
	return &c, nil
}

func (s *Server) policy() gomail.TLSPolicy {
	switch s.Encryption {
	case Opportunistic:
		return gomail.TLSOpportunistic
	case Plain:
		return gomail.NoTLS
	}
	return gomail.TLSMandatory
}

func (s *Server) tls() *tls.Config {
	return &tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
}

// connect opens the connection, with TLS when that comes first.
func (s *Server) connect(ctx context.Context, network, address string) (net.Conn, error) {
	if s.Implicit {
		return (&tls.Dialer{Config: s.tls()}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// close takes leave of the server.
func (c *connection) close() {
	_ = c.client.CloseWithSMTPClient(c.smtp) // the mail is handed over, whatever the server says to QUIT
	c.end()
}

// end closes what close did not.
func (c *connection) end() {
	if c.unhook != nil {
		c.unhook()
		_ = c.net.Close()
	}
}

// send hands a mail over. The error is one of jobs.Discard when no repetition
// can help: the server refused the recipient or the content for good (RFC 5321,
// 4.2.1: a reply of 5yz), or there is no such address.
func (s *Server) send(ctx context.Context, m *gomail.Msg, unicode bool) error {
	c, err := s.dial(ctx, unicode)
	if err != nil {
		return fmt.Errorf("mail: %s: %w", s, err)
	}
	defer c.end()
	err = c.client.SendWithSMTPClient(c.smtp, m)
	if m.IsDelivered() { // what goes wrong after that is no reason to send it again
		c.close()
		return nil
	}
	if err == nil {
		err = errors.New("the mail was not handed over")
	}
	if isFinal(err) {
		return jobs.Discard(fmt.Errorf("mail: refused for good: %w", err))
	}
	return fmt.Errorf("mail: %s: %w", s, err)
}

// isFinal reports whether the server refused the recipient or the content for
// good. A sender that it refuses is the operator's to correct, as is a password:
// mail waits for that.
func isFinal(err error) bool {
	e, ok := errors.AsType[*gomail.SendError](err)
	if !ok || e.ErrorCode() < 500 || e.ErrorCode() > 599 {
		return false
	}
	switch e.Reason {
	case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
		return true
	}
	return false
}

// message builds the mail. Its Message-ID is made from the job, so that a mail
// that went out twice can be recognised.
func (s *Server) message(c *content, html, id string, now time.Time) (m *gomail.Msg, unicode bool, err error) {
	to, unicode, err := mailbox(c.To)
	if err != nil {
		return nil, false, err
	}
	from, other, err := mailbox(s.From)
	if err != nil {
		return nil, false, err
	}
	unicode = unicode || other
	m = gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(from)
	m.ToMailAddress(to)
	if !c.ReplyTo.IsZero() {
		reply, _, err := mailbox(c.ReplyTo)
		if err != nil {
			return nil, false, err
		}
		m.ReplyToMailAddress(reply)
	}
	m.Subject(c.Subject)
	m.SetDateWithValue(now)
	m.SetMessageIDWithValue(id + "@" + domainOf(from.Address))
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's absence notice comes back
	m.SetGenHeader("Content-Language", c.Lang)
	m.SetBodyString(gomail.TypeTextPlain, c.text())
	m.AddAlternativeString(gomail.TypeTextHTML, html)
	if c.Calendar != nil { // RFC 6047
		m.AddAlternativeString(gomail.ContentType("text/calendar; method="+c.Calendar.Method), string(c.Calendar.Content))
	}
	return m, unicode, nil
}

// mailbox is an address as headers and envelopes have it, with the ASCII form of
// its domain. unicode says that it has other letters before that.
func mailbox(a Address) (m *netmail.Address, unicode bool, err error) {
	parsed, err := netmail.ParseAddress(a.Email)
	if err != nil || parsed.Address != a.Email || parsed.Name != "" {
		return nil, false, fmt.Errorf("%q is no mail address", a.Email)
	}
	at := strings.LastIndexByte(a.Email, '@')
	domain, err := idna.Lookup.ToASCII(a.Email[at+1:])
	if err != nil {
		return nil, false, fmt.Errorf("%q is no mail address: %w", a.Email, err)
	}
	return &netmail.Address{Name: a.Name, Address: a.Email[:at+1] + domain}, !isASCII(a.Email[:at]), nil
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }
