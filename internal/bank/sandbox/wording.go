package sandbox

// wording is how a bank writes in one language. All names are invented.
type wording struct {
	current, savings, card                      string
	incoming, outgoing, cardKind, feeKind       string
	cardPayment, invoice, rent, power, tax      string
	salary, fee, interest, saved, cardSettled   string
	capital                                     string
	landlord, utility, office, owner            party
	clients, staff                              []party
	shops                                       []shop
	heldPrefix, friendlyFailure, friendlyExpiry string
}

// party is the other side of a transaction.
type party struct{ name string }

// shop is where a card is used.
type shop struct{ name, label string }

var polish = wording{
	current: "Rachunek firmowy", savings: "Konto oszczędnościowe", card: "Karta firmowa",
	incoming: "PRZELEW PRZYCHODZĄCY", outgoing: "PRZELEW ZEWNĘTRZNY", cardKind: "TRANSAKCJA KARTĄ PŁATNICZĄ", feeKind: "OPŁATA",
	cardPayment: "PŁATNOŚĆ KARTĄ", invoice: "Faktura FV", rent: "Czynsz najmu za", power: "Energia elektryczna", tax: "Zaliczka na podatek",
	salary: "Wynagrodzenie za", fee: "Opłata za prowadzenie rachunku", interest: "Kapitalizacja odsetek", saved: "Stałe zlecenie oszczędzania", cardSettled: "Spłata karty",
	capital:  "Przelew własny",
	landlord: party{"Kamienica Zielona Sp. z o.o. ul. Lipowa 4 00-001 Warszawa"}, utility: party{"Prąd Polski Przykładowy S.A."}, office: party{"Urząd Skarbowy w Przykładowie"}, owner: party{"Właściciel Piaskownica"},
	clients: []party{{"Żabka Stawowa Sp. z o.o."}, {"Przykład i Wspólnicy s.c."}, {"Próba Handel S.A. ul. Testowa 1, 30-001 Kraków"}, {"Anna Wzorcowa"}},
	staff:   []party{{"Jan Przykładowy"}, {"Zofia Wzorcowa"}, {"Piotr Testowy"}},
	shops:   []shop{{"SKLEP NA ROGU WARSZAWA", "grocery"}, {"STACJA PALIW 12", "fuel"}, {"BILETOMAT  ZTM", "public transport"}, {"PAPIERNICZY ŻÓŁW", "office"}},

	heldPrefix: "BLOKADA ", friendlyFailure: "Bank jest chwilowo niedostępny.", friendlyExpiry: "Sesja wygasła.",
}

var portuguese = wording{
	current: "Conta à ordem", savings: "Conta poupança", card: "Cartão da empresa",
	incoming: "TRANSFERÊNCIA RECEBIDA", outgoing: "TRANSFERÊNCIA EMITIDA", cardKind: "COMPRA COM CARTÃO", feeKind: "COMISSÃO",
	cardPayment: "COMPRA", invoice: "Fatura FT", rent: "Renda de", power: "Eletricidade", tax: "Pagamento de impostos",
	salary: "Ordenado de", fee: "Comissão de manutenção", interest: "Juros credores", saved: "Poupança programada", cardSettled: "Pagamento do cartão",
	capital:  "Transferência própria",
	landlord: party{"Imobiliária Exemplar Lda Rua das Flores 4 1200-001 Lisboa"}, utility: party{"Luz de Exemplo S.A."}, office: party{"Autoridade Tributária de Exemplo"}, owner: party{"Sócio Areia"},
	clients: []party{{"Conserva do Cabo Lda"}, {"Exemplo e Filhos"}, {"Ensaio Comércio S.A."}, {"Ana Modelo"}},
	staff:   []party{{"João Exemplo"}, {"Maria Modelo"}, {"Rui Ensaio"}},
	shops:   []shop{{"MERCEARIA DA ESQUINA LISBOA", "grocery"}, {"POSTO COMBUSTIVEL 12", "fuel"}, {"BILHETES  METRO", "public transport"}, {"PAPELARIA CAÇÃO", "office"}},

	heldPrefix: "CATIVO ", friendlyFailure: "O banco está indisponível de momento.", friendlyExpiry: "A sessão expirou.",
}

var english = wording{
	current: "Business account", savings: "Savings account", card: "Company card",
	incoming: "INCOMING TRANSFER", outgoing: "OUTGOING TRANSFER", cardKind: "CARD PAYMENT", feeKind: "CHARGE",
	cardPayment: "CARD", invoice: "Invoice INV", rent: "Rent for", power: "Electricity", tax: "Tax payment",
	salary: "Salary for", fee: "Account fee", interest: "Interest", saved: "Standing order: savings", cardSettled: "Card settled",
	capital:  "Own transfer",
	landlord: party{"Example Properties Ltd 4 Linden Road"}, utility: party{"Sample Power plc"}, office: party{"Example Tax Office"}, owner: party{"Sandbox Owner"},
	clients: []party{{"Corner Trading Ltd"}, {"Sample & Daughters"}, {"Trial Imports GmbH"}, {"Ada Sample"}},
	staff:   []party{{"John Example"}, {"Mary Sample"}, {"Peter Trial"}},
	shops:   []shop{{"CORNER STORE 12", "grocery"}, {"FUEL STOP", "fuel"}, {"CITY  TRANSPORT", "public transport"}, {"PAPER & PENS", "office"}},

	heldPrefix: "HOLD ", friendlyFailure: "The bank can't be reached at the moment.", friendlyExpiry: "The session has expired.",
}
