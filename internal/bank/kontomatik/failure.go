package kontomatik

import "strconv"

// Advice is what to do about a failure.
type Advice uint8

const (
	// Retry later, with back-off: the bank or Kontomatik is down.
	Retry Advice = iota
	// WaitForQuota until the bank allows another import.
	WaitForQuota
	// AskPerson to sign in again.
	AskPerson
	// TellOperator, and don't try again: the request, the key or the network's
	// address is wrong, or the bank can't do it.
	TellOperator
)

// The exceptions that callers tell apart.
const (
	InvalidMultipleAccessID = "InvalidMultipleAccessId"
	AlreadyImported         = "DefaultImportAlreadyExecuted"
	InvalidSession          = "InvalidSessionId"
	InvalidSignature        = "InvalidSessionIdSignature"
)

// Error is a request or command that failed. Its text names the exception and
// the HTTP status only.
type Error struct {
	Name   string // of the exception; empty when the reply names none
	Status int    // of HTTP; 0 when there was no answer
	// Friendly is a sentence for the person who owns the account, in the bank's
	// language; often empty. It is text from outside and not for a log.
	Friendly string
	Err      error // what lies beneath, e.g. a time-out; holds no secret
}

// Error returns the log's view.
func (e *Error) Error() string {
	text := "kontomatik:"
	if e.Name != "" {
		text += " " + e.Name
	}
	if e.Status != 0 {
		text += " (HTTP " + strconv.Itoa(e.Status) + ")"
	}
	if e.Err != nil {
		text += " " + e.Err.Error()
	}
	return text
}

// Unwrap returns what lies beneath.
func (e *Error) Unwrap() error { return e.Err }

// Advice says what to do. Names that are not known count by the HTTP status.
func (e *Error) Advice() Advice {
	if advice, ok := advices[e.Name]; ok {
		return advice
	}
	switch {
	case e.Status >= 300 && e.Status < 400, e.Status >= 400 && e.Status < 500 && e.Status != 408 && e.Status != 425 && e.Status != 429:
		return TellOperator
	case e.Name != "" && e.Status < 300:
		return TellOperator // an exception nobody knows, in a command
	}
	return Retry
}

var advices = map[string]Advice{
	InvalidSession:                  AskPerson,
	"SessionExpired":                AskPerson,
	"NotSignedIn":                   AskPerson,
	InvalidMultipleAccessID:         AskPerson,
	"MultipleAccessLimitExceeded":   WaitForQuota,
	"ConcurrentSessionsLimitExceed": Retry, "ConcurrentSessionsLimitExceeded": Retry,
	"JobsQuotaExceeded":             Retry,
	"ServiceTemporarilyUnavailable": Retry,
	"ServiceMaintenance":            Retry,
	"IO":                            Retry,
	AlreadyImported:                 AskPerson, // who knows the command polls it instead
	"CommandNotAvailable":           TellOperator,
	"AlreadySignedIn":               TellOperator,
	InvalidSignature:                TellOperator,
	"InvalidTarget":                 TellOperator,
	"InvalidIban":                   TellOperator,
	"InvalidSince":                  TellOperator,
	"InvalidParameter":              TellOperator,
	"InvalidArgument":               TellOperator,
	"InvalidCommandId":              TellOperator,
	"InvalidOwnerExternalId":        TellOperator,
	"NoDataToCalculateScore":        TellOperator,
}

// maxName bounds the name of an exception, which goes into logs.
const maxName = 64

// cleanName returns the name if it is a plain word, else a word that says that
// it is none, so that nothing strange gets into a log.
func cleanName(name string) string {
	if name == "" {
		return ""
	}
	if len(name) > maxName {
		return "Unreadable"
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return "Unreadable"
		}
	}
	return name
}
