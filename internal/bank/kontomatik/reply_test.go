package kontomatik

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// kept is a sink that keeps everything.
type kept struct {
	accounts     []Account
	transactions []Transaction
}

func (k *kept) Transaction(_ *Account, t *Transaction) error {
	k.transactions = append(k.transactions, *t)
	return nil
}

func (k *kept) Account(a *Account) error {
	k.accounts = append(k.accounts, *a)
	return nil
}

// read takes a reply apart.
func read(content io.Reader, sink Sink, target func(Target) error) (reply, error) {
	r := reader{scanner: newScanner(content, 1<<30), sink: sink, target: target}
	err := r.read()
	return r.reply, err
}

func recorded(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "recorded", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestRecordedImport(t *testing.T) {
	t.Parallel()
	var k kept
	r, err := read(bytes.NewReader(recorded(t, "v1.command-reply.default-import.xml")), &k, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.command.State != Successful || r.command.ID != "455026009" || r.command.Target != "KontoBank" {
		t.Errorf("command %+v", r.command)
	}
	want := Account{Name: "Konto 0", FriendlyName: "Konto", IBAN: "PL69137013140000049678278112", Currency: "PLN",
		Balance: "259402.51", Available: "259402.51", ActiveSince: "2022-10-08"}
	if len(k.accounts) != 1 || k.accounts[0] != want {
		t.Errorf("accounts %+v", k.accounts)
	}
	if len(k.transactions) != 72 {
		t.Fatalf("%d transactions", len(k.transactions))
	}
	first := Transaction{On: "2023-05-22", BookedOn: "2023-05-23", Amount: "-0.01", Balance: "259402.51",
		Title: "5QATW54J1O Oplata weryfikacyjna", PartyIBAN: "PL16156000132367053266830002", Kind: "PRZELEW ZEWNĘTRZNY", Status: Done,
		Labels: []string{"monthly", "verification"}}
	if !reflect.DeepEqual(k.transactions[0], first) {
		t.Errorf("first %+v", k.transactions[0])
	}
	chained(t, k.transactions)
}

// chained checks that each balance is the one before and the amount, newest first.
func chained(t *testing.T, list []Transaction) {
	t.Helper()
	minor := func(text string) int64 {
		n, err := Minor(text, 2)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		return n
	}
	for i := range list[:len(list)-1] {
		if minor(list[i].Balance) != minor(list[i+1].Balance)+minor(list[i].Amount) {
			t.Errorf("transaction %d does not follow from the one before", i)
		}
	}
}

func TestRecordedCatalogue(t *testing.T) {
	t.Parallel()
	count, psd2 := map[string]int{}, 0
	var first Target
	_, err := read(bytes.NewReader(recorded(t, "v1.commands-catalog-reply.xml")), nil, func(each Target) error {
		if len(count) == 0 {
			first = each
		}
		count[each.Country]++
		if each.PSD2 {
			psd2++
		}
		if !each.Imports {
			t.Errorf("%s does not import", each.Name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"pl": 26, "pt": 25, "es": 24, "cz": 11, "ro": 6, "lv": 5, "lt": 5, "ee": 5, "ph": 5, "it": 1}
	if !reflect.DeepEqual(count, want) {
		t.Errorf("targets by country: %v", count)
	}
	if (first != Target{Name: "KontoBankApi_cz", Country: "cz", Institution: "KontoBank_cz", OfficialName: "KontoBank",
		OfficialURL: "https://bank.kontomatik.com", PSD2: true, Beta: true, Imports: true}) {
		t.Errorf("first %+v", first)
	}
	if psd2 == 0 {
		t.Error("no target gives access several times")
	}
}

func TestRecordedCommandAndException(t *testing.T) {
	t.Parallel()
	r, err := read(bytes.NewReader(recorded(t, "v1.default-import-reply.xml")), nil, nil)
	if err != nil || r.command != (Command{ID: "455026009", Name: "DefaultImportCommand"}) {
		t.Errorf("%+v, %v", r.command, err)
	}
	r, err = read(bytes.NewReader(recorded(t, "command-not-available-reply.xml")), nil, nil)
	if err != nil || r.exception == nil || r.exception.Name != "CommandNotAvailable" {
		t.Errorf("%+v, %v", r.exception, err)
	}
}

// TestTolerance reads replies that differ from the recorded ones in what may
// differ.
func TestTolerance(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reply string
		check func(r reply, k kept) bool
	}{
		"id inside the session": {`<reply><session id="1" signature="s"><multipleAccessId>m</multipleAccessId></session></reply>`,
			func(r reply, _ kept) bool { return r.session == Session{"1", "s"} && r.multipleAccessID == "m" }},
		"id beside the session": {`<reply><session id="1" signature="s"/><multipleAccessId> m </multipleAccessId></reply>`,
			func(r reply, _ kept) bool { return r.session == Session{"1", "s"} && r.multipleAccessID == "m" }},
		"unknown state": {`<reply><command id="1" state="pondering"/></reply>`,
			func(r reply, _ kept) bool { return r.command.State == Running }},
		"unknown elements": {`<reply><new><accounts><account/></accounts></new><command id="1" state="in_progress"><odd x="1"><y/></odd></command></reply>`,
			func(r reply, k kept) bool { return r.command.ID == "1" && len(k.accounts) == 0 }},
		"exception in a command": {`<reply><command id="1" state="error"><exception name="SessionExpired"><message>m</message><friendlyMessage>Sesja wygasła.</friendlyMessage></exception></command></reply>`,
			func(r reply, _ kept) bool {
				return r.command.State == Failed && r.command.Err.Name == "SessionExpired" && r.command.Err.Friendly == "Sesja wygasła."
			}},
		"a name that is no word": {"<reply><exception name=\"x&#10;level=ERROR\"/></reply>",
			func(r reply, _ kept) bool { return r.exception.Name == "Unreadable" }},
		"no lists": {`<reply><command id="1" state="successful"><result/></command></reply>`,
			func(r reply, k kept) bool { return len(k.accounts) == 0 }},
		"transactions first, list cut short": {`<reply><command id="1" state="successful"><result><accounts><account partialDueToTimeout="true">
			<moneyTransactions><moneyTransaction><currencyAmount>1.00</currencyAmount></moneyTransaction></moneyTransactions>
			<iban>X</iban><currencyName>EUR</currencyName></account></accounts></result></command></reply>`,
			func(_ reply, k kept) bool {
				return len(k.transactions) == 1 && k.accounts[0].Partial && k.accounts[0].IBAN == "X"
			}},
		"card": {`<reply><command id="1" state="successful"><result><creditCards><creditCard><number>5100</number><currencyName>EUR</currencyName></creditCard></creditCards></result></command></reply>`,
			func(_ reply, k kept) bool {
				return len(k.accounts) == 1 && k.accounts[0].Card && k.accounts[0].CardID == "5100"
			}},
		"symbols": {`<reply><command id="1" state="successful"><result><accounts><account><iban>X</iban><currencyName>CZK</currencyName>
			<moneyTransactions><moneyTransaction><variableSymbol>2030</variableSymbol><constantSymbol>8</constantSymbol></moneyTransaction></moneyTransactions></account></accounts></result></command></reply>`,
			func(_ reply, k kept) bool { return k.transactions[0].Symbols == "VS 2030 CS 8" }},
		"a result of a command that still runs": {`<reply><command id="1" state="in_progress"><result><accounts><account/></accounts></result></command></reply>`,
			func(_ reply, k kept) bool { return len(k.accounts) == 0 }},
		"comments and data as it stands": {`<reply><command id="1" state="successful"><result><accounts><account><!-- c --><iban>X<!-- c -->Y</iban><name><![CDATA[a<b]]></name></account></accounts></result></command></reply>`,
			func(_ reply, k kept) bool { return k.accounts[0].IBAN == "XY" && k.accounts[0].Name == "a<b" }},
	} {
		var k kept
		r, err := read(strings.NewReader(test.reply), &k, nil)
		if err != nil || !test.check(r, k) {
			t.Errorf("%s: %+v, %+v, %v", name, r, k, err)
		}
	}
}

// TestHostileReplies refuses what no bank sends.
func TestHostileReplies(t *testing.T) {
	t.Parallel()
	inside := func(s string) string {
		return `<reply><command id="1" state="successful"><result><accounts>` + s + `</accounts></result></command></reply>`
	}
	for name, test := range map[string]struct {
		reply string
		want  error // nil: any
	}{
		"document type":    {`<!DOCTYPE reply [<!ENTITY a "aaaa">]><reply>&a;</reply>`, errDirective},
		"external entity":  {`<!DOCTYPE reply SYSTEM "file:///etc/passwd"><reply/>`, errDirective},
		"unknown entity":   {`<reply>&secret;</reply>`, nil},
		"depth":            {strings.Repeat("<reply>", 100_000), errDepth},
		"depth inside":     {inside(strings.Repeat("<a>", 100)), errDepth},
		"long text":        {inside("<account><iban>" + strings.Repeat("1", maxToken+1) + "</iban></account>"), errToken},
		"long attribute":   {`<reply a="` + strings.Repeat("1", maxToken+1) + `"/>`, errToken},
		"endless comment":  {`<reply><!--` + strings.Repeat("x", maxToken), errToken},
		"other root":       {`<html><body>Bad Gateway</body></html>`, errRoot},
		"nothing":          {``, io.ErrUnexpectedEOF},
		"no XML":           {`{"status": "ok"}`, io.ErrUnexpectedEOF},
		"cut short":        {inside("<account>")[:90], nil},
		"two roots":        {`<reply/><reply/>`, errRoot},
		"other encoding":   {`<?xml version="1.0" encoding="utf-16"?><reply/>`, nil},
		"bad UTF-8":        {"<reply>\xff</reply>", nil},
		"wrong order":      {`<reply><a><b></a></b></reply>`, nil},
		"never says whose": {inside("<account><moneyTransactions>" + strings.Repeat("<moneyTransaction/>", maxHeld+1) + "</moneyTransactions></account>"), errHeld},
	} {
		_, err := read(strings.NewReader(test.reply), &kept{}, nil)
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := reader{scanner: newScanner(strings.NewReader("<reply>"+strings.Repeat("<a/>", 100)+"</reply>"), 100)}
	if err := r.read(); !errors.Is(err, errSize) {
		t.Errorf("size: %v", err)
	}
}

func TestSinkEndsReading(t *testing.T) {
	t.Parallel()
	full := errors.New("full")
	_, err := read(bytes.NewReader(recorded(t, "v1.commands-catalog-reply.xml")), nil, func(Target) error { return full })
	if !errors.Is(err, full) {
		t.Error(err)
	}
}

// FuzzReply holds that no reply makes the reader panic, and that a reply that is
// read gives the same when it is read again.
func FuzzReply(f *testing.F) {
	files, err := filepath.Glob("testdata/recorded/*.xml")
	if err != nil || len(files) == 0 {
		f.Fatal("no recorded replies", err)
	}
	for _, file := range files {
		content := recorded(f, filepath.Base(file))
		f.Add(content[:min(len(content), 4096)])
	}
	f.Add([]byte(`<reply><session id="1" signature="s"/><multipleAccessId>m</multipleAccessId></reply>`))
	f.Add([]byte(`<reply><command id="1" state="error"><exception name="IO"/></command></reply>`))
	f.Fuzz(func(t *testing.T, content []byte) {
		var one, two kept
		skip := func(Target) error { return nil }
		a, errA := read(bytes.NewReader(content), &one, skip)
		b, errB := read(bytes.NewReader(content), &two, skip)
		if (errA == nil) != (errB == nil) || !reflect.DeepEqual(a, b) || !reflect.DeepEqual(one, two) {
			t.Errorf("read twice, two results: %v, %v", errA, errB)
		}
		for _, each := range one.transactions {
			if len(each.Title) > maxToken || len(each.Labels) > maxLabels {
				t.Error("a limit does not hold")
			}
		}
	})
}

// large is a reply with an import of about size bytes, made while it is read.
func large(size int) io.Reader {
	const head = `<?xml version="1.0" encoding="utf-8"?><reply status="200 OK"><command id="1" state="successful" name="DefaultImportCommand"><result><accounts>
		<account><name>Konto</name><iban>PL69137013140000049678278112</iban><currencyBalance>1.00</currencyBalance><currencyName>PLN</currencyName><moneyTransactions>`
	const tail = `</moneyTransactions></account></accounts></result></command></reply>`
	in, out := io.Pipe()
	go func() {
		written, _ := io.WriteString(out, head)
		for i := 0; written < size; i++ {
			n, err := fmt.Fprintf(out, `<moneyTransaction><transactionOn>2030-01-02</transactionOn><bookedOn>2030-01-03</bookedOn><currencyAmount>-%d.00</currencyAmount>
				<currencyBalance>259402.52</currencyBalance><title>Zwrot za Sylwestra</title><party>Jan Kowalski Dunikowskiego 23B, 01-200 Warszawa</party>
				<partyIban>PL83130000002076700146310001</partyIban><kind>PRZELEW ZEWNĘTRZNY</kind><status>DONE</status><labels><label>monthly</label></labels></moneyTransaction>`, i)
			if err != nil {
				return
			}
			written += n
		}
		_, err := io.WriteString(out, tail)
		out.CloseWithError(err)
	}()
	return in
}

// counting is a sink that counts and watches the heap.
type counting struct {
	transactions int
	peak         uint64
}

func (c *counting) Transaction(*Account, *Transaction) error {
	if c.transactions++; c.transactions%10_000 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		c.peak = max(c.peak, m.HeapAlloc)
	}
	return nil
}

func (c *counting) Account(*Account) error { return nil }

// BenchmarkLargeReply reads replies of 5 and 50 MiB; heap-MiB must not grow with
// them.
func BenchmarkLargeReply(b *testing.B) {
	for _, mib := range []int{5, 50} {
		b.Run(fmt.Sprintf("%dMiB", mib), func(b *testing.B) {
			b.SetBytes(int64(mib) << 20)
			var c counting
			for b.Loop() {
				if _, err := read(large(mib<<20), &c, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(c.peak)/(1<<20), "heap-MiB")
		})
	}
}
