// Package kontomatik speaks the protocol of Kontomatik's account information
// service: a person signs in at their bank, and commands then import accounts
// and transactions, again later without the person if they allowed it.
//
// The client makes requests and takes replies apart; it keeps nothing and tries
// nothing twice, since imports are counted and the caller must write down an
// attempt before it is made. Replies are read as they come, in constant memory.
// The reader is tolerant: it skips elements, states and exceptions that it does
// not know and goes without lists that are missing. It is strict about what could
// do harm: document types, depth, size, other encodings than UTF-8.
//
// Failures are *Error. Neither they nor anything else shows the key, a session,
// an access id or what a reply says about people.
package kontomatik

// Session is one visit to a bank. Both parts are secret.
type Session struct {
	ID        string
	Signature string
}

// Access is how often a sign-in lets data be imported.
type Access string

// The ways of access: once; for up to 180 days; as the person decides.
const (
	Single   Access = "SINGLE"
	Multiple Access = "MULTIPLE"
	Mixed    Access = "MIXED"
)

// State is how far a command is.
type State uint8

// The states of commands. Running stands for every state that is not known to be
// final.
const (
	Running State = iota
	Successful
	Failed // for a known cause: see the command's Err
	Fatal  // for an unknown cause
)

// Command is work that goes on at the bank.
type Command struct {
	ID          string
	Name        string
	State       State
	Target      string // not said at first
	Institution string // not said at first
	Err         *Error // of a failed command
}

// Target is one way to a bank.
type Target struct {
	Name         string // its technical id
	Country      string // lower case
	Institution  string // groups the ways to one bank
	OfficialName string
	OfficialURL  string
	PSD2         bool // can give access several times
	Beta         bool
	Imports      bool // has the command DefaultImportCommand
}

// Account is a bank account or credit card in an import. Texts are as the bank
// writes them, empty when it does not. The amounts are decimal; see Minor.
type Account struct {
	Card         bool
	Name         string
	FriendlyName string
	IBAN         string // compact
	CardID       string // of a card: the bank's id, else its number
	Currency     string // ISO 4217
	Balance      string
	Available    string
	ActiveSince  string // YYYY-MM-DD: from when there are transactions
	Partial      bool   // the list of transactions was cut short
}

// known reports whether the account can be told from others and its amounts can
// be read.
func (a *Account) known() bool {
	return a.Currency != "" && (a.IBAN != "" || a.CardID != "" || a.Name != "")
}

// Transaction is one movement of money in an import. Texts are as the bank
// writes them.
type Transaction struct {
	On        string // YYYY-MM-DD, the day of the operation
	BookedOn  string // YYYY-MM-DD, may be empty
	Amount    string // negative: money went out
	Balance   string // after it, may be empty
	Title     string
	Party     string
	PartyIBAN string
	Kind      string // the bank's own wording
	Status    string
	Labels    []string
	Symbols   string // Czech and Slovak payment symbols, e.g. "VS 2030001"
}

// Done is the status of a booked transaction; all others may still change.
const Done = "DONE"

// Sink takes what an import holds. The Account and Transaction are valid until
// the method returns. An error ends the reading and is returned as it is.
type Sink interface {
	// Transaction is called for each, in the order of the reply. The account may
	// not be complete yet, but it can be told from others if the reply says how.
	Transaction(a *Account, t *Transaction) error
	// Account is called after the account's transactions, with all there is.
	Account(a *Account) error
}

// Outcome is what became of a sign-in.
type Outcome uint8

// The outcomes. Waiting stands for every word that is not known to be final.
const (
	Waiting Outcome = iota
	SignedIn
	NotSignedIn
	Expired
)

// SignIn starts a visit to a bank.
type SignIn struct {
	RedirectURI     string // where the person goes afterwards
	OwnerExternalID string // stands for the person; never used for two
	Country         string
	Language        string // of the pages
	Access          Access
}

// Redirection is a sign-in that was started.
type Redirection struct {
	ID   string
	Link string // where the person signs in
}

// Result is the state of a sign-in.
type Result struct {
	Outcome          Outcome
	Session          Session // if signed in
	MultipleAccessID string  // secret; empty when there is access once only
	Target           string
	OfficialName     string
	Err              *Error // why nobody signed in; may be nil
}
