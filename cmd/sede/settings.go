package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"sede/internal/app"
	"sede/internal/bank/kontomatik"
	"sede/internal/blob"
	"sede/internal/hydra"
	"sede/internal/mail"
	"sede/internal/stripe"
	"sede/internal/throttle"
)

// settings are the flags that all commands share: the one definition behind
// flags, environment and file.
type settings struct {
	Listen         string            `help:"Address to listen on." default:"localhost:8080" env:"SEDE_LISTEN"`
	Data           string            `help:"Folder for everything that sede keeps." default:"data" env:"SEDE_DATA" placeholder:"DIR"`
	Database       string            `help:"PostgreSQL database, postgres://user:password@host/name. Empty: SQLite in the data folder." env:"SEDE_DATABASE" placeholder:"URL"`
	Blobs          string            `help:"Where files such as images are kept: a folder, or s3://KEY:SECRET@HOST/BUCKET. Empty: the folder blobs in the data folder." env:"SEDE_BLOBS" placeholder:"PLACE"`
	BaseURL        string            `name:"base-url" help:"URL under which callers reach sede, without the API prefix. Empty: as each request says." env:"SEDE_BASE_URL" placeholder:"URL"`
	APIPrefix      string            `name:"api-prefix" help:"Path in front of all paths, e.g. /api." env:"SEDE_API_PREFIX" placeholder:"PATH"`
	Demo           bool              `help:"Make a demo organization with accounts to sign in with." env:"SEDE_DEMO"`
	DemoPassword   string            `help:"Password of the demo accounts. Empty: a random one is made and printed once." env:"SEDE_DEMO_PASSWORD" placeholder:"PASSWORD"`
	DemoReset      bool              `help:"Once a day empty all organizations of type demo and fill them with the sample company again." env:"SEDE_DEMO_RESET"`
	SignUp         bool              `help:"People make their own accounts; without, somebody must invite them." default:"true" negatable:"" env:"SEDE_SIGN_UP"`
	TrialDays      int               `help:"For how many days a new organization has all modules; 0: not at all." default:"14" env:"SEDE_TRIAL_DAYS"`
	HydraKeys      string            `help:"Spelling of Hydra's keys: ${enum}." enum:"prefixed,plain,both" default:"prefixed" env:"SEDE_HYDRA_KEYS"`
	Synchronous    string            `help:"SQLite: what a commit survives. full: a power cut; normal: a crash of sede." enum:"full,normal" default:"full" env:"SEDE_SYNCHRONOUS"`
	CORSOrigins    []string          `name:"cors-origins" help:"Origins whose pages may call from a browser; * for all." default:"*" env:"SEDE_CORS_ORIGINS" placeholder:"ORIGIN"`
	TrustedProxies []string          `help:"Addresses or networks of proxies whose X-Forwarded-For counts." env:"SEDE_TRUSTED_PROXIES" placeholder:"CIDR"`
	RateLimits     map[string]string `help:"Limits on requests, e.g. read-user=9000/1m,sign-in-address=off; all=off switches all off, all=10x makes all ten times as wide." mapsep:"," env:"SEDE_RATE_LIMITS" placeholder:"POLICY=QUOTA"`
	SMTP           string            `help:"Server that mail is handed to: smtp://host:587, encrypted by STARTTLS, or smtps://host:465. Empty: mail stays in the development mailbox." env:"SEDE_SMTP" placeholder:"URL"`
	SMTPUser       string            `help:"User to sign in with there. Empty: nobody signs in." env:"SEDE_SMTP_USER" placeholder:"NAME"`
	SMTPPassword   string            `help:"Password of that user." env:"SEDE_SMTP_PASSWORD" placeholder:"PASSWORD"`
	SMTPStartTLS   string            `name:"smtp-starttls" help:"Whether mail needs STARTTLS: ${enum}." enum:"required,opportunistic,off" default:"required" env:"SEDE_SMTP_STARTTLS"`
	MailFrom       string            `help:"Whom mail comes from, e.g. sede <no-reply@sede.example>. Needed with --smtp." env:"SEDE_MAIL_FROM" placeholder:"ADDRESS"`
	LocalWebhooks  bool              `name:"webhooks-local" help:"Webhooks may also go to http://localhost, for programs in the making." env:"SEDE_WEBHOOKS_LOCAL"`
	KontomatikURL  string            `name:"kontomatik-url" help:"Kontomatik, for bank connections, e.g. https://api.kontomatik.com. Empty: there is the Sandbox bank only." env:"SEDE_KONTOMATIK_URL" placeholder:"URL"`
	KontomatikKey  string            `name:"kontomatik-key" help:"API key for Kontomatik. Needed with --kontomatik-url." env:"SEDE_KONTOMATIK_KEY" placeholder:"KEY"`
	BankRetention  int               `name:"bank-retention" help:"Months after which bank transactions are removed. 0: never." default:"0" env:"SEDE_BANK_RETENTION" placeholder:"MONTHS"`
	ImportLimit    int64             `name:"import-limit" help:"Largest archive of an organization that can be imported, in MiB." default:"1024" env:"SEDE_IMPORT_LIMIT" placeholder:"MIB"`
	ImportSpace    int64             `name:"import-space" help:"Room on disk for archives that come in at once, in MiB. 0: four times import-limit." default:"0" env:"SEDE_IMPORT_SPACE" placeholder:"MIB"`
	TrustedKeys    []string          `name:"trusted-keys" help:"Keys of other instances whose archives can be imported, as sede archive key prints them there." env:"SEDE_TRUSTED_KEYS" placeholder:"KEY"`
	StripeKey      string            `name:"stripe-key" help:"Secret key of the account at Stripe that collects money: sk_live_… or sk_test_…. Empty: sede writes the invoices of all organizations itself." env:"SEDE_STRIPE_KEY" placeholder:"KEY"`
	StripeSecrets  []string          `name:"stripe-webhook-secrets" help:"Secrets that Stripe signs its messages with, whsec_…; several while one takes the place of another. Needed with --stripe-key." env:"SEDE_STRIPE_WEBHOOK_SECRETS" placeholder:"SECRET"`
	StripeURL      string            `name:"stripe-url" help:"Another server that speaks Stripe's protocol, for tests. Empty: Stripe." env:"SEDE_STRIPE_URL" placeholder:"URL"`
	SecretKey      string            `help:"32 bytes in hex or base64 that seal secrets at rest. Empty: kept in secret.key in the data folder, made when it is not there." env:"SEDE_SECRET_KEY" placeholder:"KEY"`
	OlderKeys      []string          `name:"secret-key-previous" help:"Keys that open what they have sealed and seal nothing, with --secret-key, while one takes the place of another." env:"SEDE_SECRET_KEY_PREVIOUS" placeholder:"KEY"`
	LogFormat      string            `help:"How log lines are written: ${enum}." enum:"text,json" default:"text" env:"SEDE_LOG_FORMAT"`
	LogLevel       string            `help:"Least important lines to log: ${enum}." enum:"debug,info,warn,error" default:"info" env:"SEDE_LOG_LEVEL"`
}

// config turns the settings into the app's. It makes the data folder and the
// secret key when they are not there. The error names the setting that is wrong.
func (s *settings) config() (app.Config, error) {
	c := app.Config{
		Database: s.Database, Dir: s.Data, Blobs: s.Blobs, Synchronous: s.Synchronous, BaseURL: strings.TrimSuffix(s.BaseURL, "/"),
		Prefix: s.APIPrefix, Keys: hydra.Keys(s.HydraKeys), Version: programVersion(),
		CORSOrigins: s.CORSOrigins, DemoPassword: s.DemoPassword, Sample: app.FullSample, DemoReset: s.DemoReset, SignUp: s.SignUp, TrialDays: s.TrialDays, Log: s.logger(),
	}
	err := s.check()
	if err != nil {
		return c, err
	}
	c.LocalWebhooks = s.LocalWebhooks
	if s.TrialDays == 0 {
		c.TrialDays = -1
	}
	for _, text := range s.TrustedProxies {
		network, err := parseNetwork(text)
		if err != nil {
			return c, fmt.Errorf("--trusted-proxies: %q is no address or network", text)
		}
		c.Proxies = append(c.Proxies, network)
	}
	if s.KontomatikURL != "" {
		c.Bank = app.BankSettings{URL: s.KontomatikURL, Key: s.KontomatikKey}
		if _, err := kontomatik.New(kontomatik.Config{URL: c.Bank.URL, Key: c.Bank.Key}); err != nil {
			return c, fmt.Errorf("--kontomatik-url, --kontomatik-key: %w", err)
		}
	}
	if c.Bank.KeepMonths = s.BankRetention; s.BankRetention < 0 || s.BankRetention > 1200 {
		return c, fmt.Errorf("--bank-retention: %d must be months between 0 and 1200", s.BankRetention)
	}
	if c.Transfer, err = s.transfer(); err != nil {
		return c, err
	}
	if c.Stripe, err = s.stripe(); err != nil {
		return c, err
	}
	c.Limits = throttle.Default()
	if err := c.Limits.Set(s.RateLimits); err != nil {
		return c, fmt.Errorf("--rate-limits: %w", err)
	}
	if c.Mail, err = s.mailServer(); err != nil {
		return c, err
	}
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return c, fmt.Errorf("--data: the folder can't be made: %w", err)
	}
	keys, err := s.secretKeys()
	if err != nil {
		return c, err
	}
	c.SecretKey, c.OlderKeys = keys[0], keys[1:]
	if s.SecretKey == "" {
		c.SecretKeys = s.keyFile().keys
	}
	return c, nil
}

// transfer returns what may be imported.
func (s *settings) transfer() (c app.TransferSettings, err error) {
	if s.ImportLimit < 1 || s.ImportLimit > 1<<20 {
		return c, fmt.Errorf("--import-limit: %d must be MiB between 1 and 1048576", s.ImportLimit)
	}
	if s.ImportSpace != 0 && s.ImportSpace < s.ImportLimit || s.ImportSpace > 1<<30 {
		return c, fmt.Errorf("--import-space: %d must be MiB for at least one archive of --import-limit, %d", s.ImportSpace, s.ImportLimit)
	}
	c.Most, c.Space = s.ImportLimit<<20, s.ImportSpace<<20
	for _, text := range s.TrustedKeys {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(key) != ed25519.PublicKeySize {
			return c, fmt.Errorf("--trusted-keys: %q is no key as sede archive key prints it", text)
		}
		c.Trusted = append(c.Trusted, key)
	}
	return c, nil
}

// stripe returns which account of Stripe's collects money.
func (s *settings) stripe() (c app.StripeSettings, err error) {
	if s.StripeKey == "" {
		if len(s.StripeSecrets) > 0 || s.StripeURL != "" {
			return c, errors.New("--stripe-key: it is needed with --stripe-webhook-secrets and --stripe-url")
		}
		return c, nil
	}
	c = app.StripeSettings{Key: s.StripeKey, Secrets: s.StripeSecrets, URL: s.StripeURL}
	if _, err := stripe.New(stripe.Config{Key: c.Key, URL: c.URL}); err != nil {
		return c, fmt.Errorf("--stripe-key, --stripe-url: %w", err)
	}
	if len(c.Secrets) == 0 {
		return c, errors.New("--stripe-webhook-secrets: it is needed with --stripe-key, so that sede hears what happens at Stripe")
	}
	for _, secret := range c.Secrets {
		if !strings.HasPrefix(secret, "whsec_") {
			return c, errors.New("--stripe-webhook-secrets: each begins with whsec_")
		}
	}
	return c, nil
}

// check looks at what needs no disk.
func (s *settings) check() error {
	if s.APIPrefix != "" && (!strings.HasPrefix(s.APIPrefix, "/") || strings.HasSuffix(s.APIPrefix, "/") || strings.ContainsAny(s.APIPrefix, "{} ?#")) {
		return fmt.Errorf("--api-prefix: %q must begin with a slash and not end with one, e.g. /api", s.APIPrefix)
	}
	if s.BaseURL != "" {
		u, err := url.Parse(s.BaseURL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
			return fmt.Errorf("--base-url: %q must be a scheme and a host, e.g. https://sede.example", s.BaseURL)
		}
	}
	for _, origin := range s.CORSOrigins {
		if origin != "*" && !isOrigin(origin) {
			return fmt.Errorf("--cors-origins: %q must be * or an origin such as https://app.example, without a path", origin)
		}
	}
	if s.TrialDays < 0 || s.TrialDays > 365 {
		return errors.New("--trial-days: it must be between 0 and 365")
	}
	if s.Database != "" && !strings.HasPrefix(s.Database, "postgres://") && !strings.HasPrefix(s.Database, "postgresql://") {
		return errors.New("--database: it must begin with postgres://, or be empty for SQLite")
	}
	if _, err := s.mailServer(); err != nil {
		return err
	}
	if s.Blobs != "" {
		if _, err := blob.Open(s.Blobs); err != nil {
			return fmt.Errorf("--blobs: %w", err)
		}
	}
	if s.DemoPassword != "" && len(s.DemoPassword) < 10 {
		return errors.New("--demo-password: it needs at least 10 characters")
	}
	return nil
}

// mailServer returns where mail is handed over, nil when it stays here.
func (s *settings) mailServer() (*mail.Server, error) {
	if s.SMTP == "" {
		if s.SMTPUser != "" || s.SMTPPassword != "" {
			return nil, errors.New("--smtp-user, --smtp-password: there is no --smtp to sign in at")
		}
		return nil, nil
	}
	server, err := mail.ParseServer(s.SMTP, s.MailFrom)
	if err != nil {
		return nil, fmt.Errorf("--smtp, --mail-from: %w", err)
	}
	if (s.SMTPUser == "") != (s.SMTPPassword == "") {
		return nil, errors.New("--smtp-user, --smtp-password: one without the other")
	}
	server.User, server.Password, server.Encryption = s.SMTPUser, s.SMTPPassword, mail.Encryption(s.SMTPStartTLS)
	return server, nil
}

func isOrigin(text string) bool {
	scheme, host, ok := strings.Cut(text, "://")
	return ok && (scheme == "http" || scheme == "https") && host != "" && !strings.ContainsAny(host, "/?#@ ")
}

func parseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return address.Prefix(address.BitLen())
	}
	return netip.ParsePrefix(text)
}

func (s *settings) logger() *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.LogLevel)) // one of the enum
	options := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}
