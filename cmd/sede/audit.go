package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"sede/internal/audit"
)

type auditVerifyCommand struct {
	File string `arg:"" help:"Export of the audit log as JSON lines; - reads standard input."`
	Hash string `help:"Hash that the chain's last entry must have, as it was kept elsewhere." placeholder:"HEX"`
}

// Run looks for entries of an export that were changed, removed or moved. It
// needs no database.
func (c auditVerifyCommand) Run() error {
	in := io.Reader(os.Stdin)
	if c.File != "-" {
		file, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	report, err := audit.VerifyExport(in)
	if err != nil {
		return err
	}
	if c.Hash != "" && !strings.EqualFold(c.Hash, report.Hash) {
		return fmt.Errorf("the export is whole in itself, but its last hash is %s: entries were replaced, or it is of another time or chain", report.Hash)
	}
	whose := "the instance"
	if report.Organization != nil {
		whose = "organization " + report.Organization.String()
	}
	fmt.Printf("%d entries of %s: none was changed or moved\n", report.Entries, whose)
	if report.Filtered {
		fmt.Println("The export is a part of the log: entries that it leaves out can't be told from missing ones.")
	} else {
		fmt.Println("None is missing.")
	}
	fmt.Printf("last entry %d, hash %s\n", report.Number, report.Hash)
	return nil
}
