package ical

import (
	"bytes"
	"unicode/utf8"
)

// maxLine is how many octets a line may have, without its end (RFC 5545, 3.1).
const maxLine = 75

// fold breaks long lines, never inside of a character.
func fold(content []byte) []byte {
	folded := make([]byte, 0, len(content)+len(content)/maxLine*3)
	for len(content) > 0 {
		end := bytes.Index(content, []byte("\r\n"))
		if end < 0 {
			end = len(content)
		}
		line := content[:end]
		content = content[min(end+2, len(content)):]
		for room := maxLine; len(line) > room; room = maxLine - 1 {
			cut := room
			for cut > room-utf8.UTFMax && !utf8.RuneStart(line[cut]) {
				cut--
			}
			folded = append(append(folded, line[:cut]...), "\r\n "...)
			line = line[cut:]
		}
		folded = append(append(folded, line...), "\r\n"...)
	}
	return folded
}
