package picture

import (
	"bytes"
	"encoding/binary"

	"sede/internal/fault"
)

// format is what a file is.
type format uint8

const (
	unknown format = iota
	formatPNG
	formatJPEG
	formatWebP
	formatGIF
	formatSVG
)

// sniff tells the format by the first bytes.
func sniff(file []byte) format {
	switch {
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
		return formatPNG
	case bytes.HasPrefix(file, []byte("\xff\xd8\xff")):
		return formatJPEG
	case len(file) >= 12 && string(file[:4]) == "RIFF" && string(file[8:12]) == "WEBP":
		return formatWebP
	case bytes.HasPrefix(file, []byte("GIF87a")), bytes.HasPrefix(file, []byte("GIF89a")):
		return formatGIF
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf")), " \t\r\n")
	for _, begin := range []string{"<svg", "<?xml", "<!--", "<!DOCTYPE svg"} {
		if bytes.HasPrefix(text, []byte(begin)) {
			return formatSVG
		}
	}
	return unknown
}

// outline is what a walk over the parts of a file finds, without decoding.
type outline struct {
	end      int // of the image; what follows does not belong to it
	animated bool
	scans    int // of a JPEG
	whole    bool
}

// checkOutline refuses what is no single, whole image and nothing else: a file
// that is an image at its beginning can be a program or a page at its end.
func checkOutline(file []byte, f format) error {
	var o outline
	switch f {
	case formatPNG:
		o = walkPNG(file)
	case formatJPEG:
		o = walkJPEG(file)
	case formatWebP:
		o = walkWebP(file)
	case formatGIF:
		o = walkGIF(file)
	}
	rest := file[min(o.end, len(file)):]
	switch {
	case o.animated:
		return refuse(fault.CodeFileType, fault.Textf("The image is animated. Only still images are taken."))
	case !o.whole:
		return damaged("the file ends before the image does")
	case o.scans > maxScans:
		return damaged("too many scans")
	case len(bytes.Trim(rest, "\x00\r\n")) > 0 && (f != formatJPEG || sniff(rest) != formatJPEG):
		return refuse(fault.CodeFileType, fault.Textf("Something follows the end of the image. Save the image again without it."))
	}
	return nil
}

// maxScans is how often a progressive JPEG may go over its pixels; usual are 10.
const maxScans = 64

// walkPNG goes over the chunks (PNG, third edition, 5).
func walkPNG(file []byte) (o outline) {
	for at := 8; at+12 <= len(file); {
		size := int64(binary.BigEndian.Uint32(file[at:]))
		name := string(file[at+4 : at+8])
		if int64(at)+12+size > int64(len(file)) {
			return o
		}
		at += 12 + int(size)
		switch name {
		case "acTL":
			o.animated = true
		case "IEND":
			o.end, o.whole = at, true
			return o
		}
	}
	return o
}

// walkGIF goes over the blocks (GIF89a, 12 to 27).
func walkGIF(file []byte) (o outline) {
	at := 13
	table := func(flags byte) int { // bytes of a color table
		if flags&0x80 == 0 {
			return 0
		}
		return 3 << (flags&7 + 1)
	}
	if len(file) < at {
		return o
	}
	at += table(file[10])
	for images := 0; at < len(file); {
		switch file[at] {
		case 0x21: // extension: label, sub-blocks
			at = skipBlocks(file, at+2)
		case 0x2c: // image: descriptor, color table, code size, sub-blocks
			if at+10 > len(file) {
				return o
			}
			images++
			o.animated = images > 1
			at = skipBlocks(file, at+10+table(file[at+9])+1)
		case 0x3b:
			o.end, o.whole = at+1, true
			return o
		default:
			return o
		}
	}
	return o
}

// skipBlocks returns where the sub-blocks that begin at a place have ended.
func skipBlocks(file []byte, at int) int {
	for at < len(file) {
		size := int(file[at])
		at += 1 + size
		if size == 0 {
			return at
		}
	}
	return len(file)
}

// walkWebP goes over the chunks (RFC 9649, 2).
func walkWebP(file []byte) (o outline) {
	end := int64(binary.LittleEndian.Uint32(file[4:])) + 8
	if end > int64(len(file)) {
		return o
	}
	o.end = int(end)
	for at := 12; at+8 <= o.end; {
		size := int64(binary.LittleEndian.Uint32(file[at+4:]))
		switch string(file[at : at+4]) {
		case "ANIM", "ANMF":
			o.animated = true
		case "VP8 ", "VP8L":
			o.whole = true
		}
		size += size & 1
		if int64(at)+8+size > end {
			o.whole = false
			return o
		}
		at += 8 + int(size)
	}
	return o
}

// walkJPEG goes over the segments (ITU-T T.81, annex B).
func walkJPEG(file []byte) (o outline) {
	for at := 2; at+2 <= len(file); {
		if file[at] != 0xff {
			return o
		}
		marker := file[at+1]
		switch {
		case marker == 0xff: // fill
			at++
			continue
		case marker == 0xd9: // end of image
			o.end, o.whole = at+2, true
			return o
		case marker == 0x01 || 0xd0 <= marker && marker <= 0xd8: // alone
			at += 2
			continue
		}
		if at+4 > len(file) {
			return o
		}
		at += 2 + int(binary.BigEndian.Uint16(file[at+2:]))
		if marker == 0xda { // a scan: its data lasts to the next marker
			o.scans++
			at = skipScan(file, at)
		}
	}
	return o
}

// skipScan returns where the next marker after the entropy-coded data is.
func skipScan(file []byte, at int) int {
	for at < len(file) {
		next := bytes.IndexByte(file[at:], 0xff)
		if next < 0 || at+next+1 >= len(file) {
			return len(file)
		}
		at += next
		if c := file[at+1]; c != 0 && (c < 0xd0 || c > 0xd7) {
			return at
		}
		at += 2
	}
	return len(file)
}
