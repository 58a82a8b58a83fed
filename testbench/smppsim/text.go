package smppsim

import (
	"time"
	"unicode/utf16"

	"maskline/smpp/pdu"
)

// Message is a message as its receiver saw it.
type Message struct {
	Source, Destination string
	Text                string // segments of long messages each on their own
	Segment             pdu.Concatenation
	At                  time.Time
}

// Receipt is a delivery receipt as the ESME saw it.
type Receipt struct {
	Source, Destination string
	MessageID           string
	State               pdu.State
}

const (
	codingDefault = 0
	codingUCS2    = 8
	longest7      = 160
	segment7      = 153
	longestUCS2   = 70
	segmentUCS2   = 67
)

// part is one short_message of a text.
type part struct {
	esmClass, coding byte
	content          []byte
}

// split cuts a text into short messages: ASCII as it stands, everything else
// as UCS-2, long ones with an 8-bit reference (3GPP TS 23.040 §9.2.3.24.1).
func split(text string, reference byte) []part {
	if ascii(text) {
		return cut([]byte(text), codingDefault, longest7, segment7, reference)
	}
	units := utf16.Encode([]rune(text))
	wide := make([]byte, 0, 2*len(units))
	for _, u := range units {
		wide = append(wide, byte(u>>8), byte(u))
	}
	return cut(wide, codingUCS2, 2*longestUCS2, 2*segmentUCS2, reference)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] > 126 || s[i] < 32 && s[i] != '\n' {
			return false
		}
	}
	return true
}

func cut(content []byte, coding byte, longest, segment int, reference byte) []part {
	if len(content) <= longest {
		return []part{{coding: coding, content: content}}
	}
	total := (len(content) + segment - 1) / segment
	var parts []part
	for i := range total {
		udh := []byte{5, byte(pdu.IEIConcatenation8), 3, reference, byte(total), byte(i + 1)}
		parts = append(parts, part{pdu.ESMUDHI, coding, append(udh, content[i*segment:min((i+1)*segment, len(content))]...)})
	}
	return parts
}

// received turns a PDU into what its receiver saw.
func received(m *pdu.Message, now time.Time) Message {
	out := Message{Source: string(m.Source.Digits), Destination: string(m.Destination.Digits), At: now}
	content := m.Payload()
	if m.ESMClass&pdu.ESMUDHI != 0 {
		if udh, text, err := pdu.SplitUDH(content); err == nil {
			out.Segment, _ = udh.Concatenation()
			content = text
		}
	}
	if m.DataCoding != codingUCS2 {
		out.Text = string(content)
		return out
	}
	units := make([]uint16, 0, len(content)/2)
	for i := 0; i+1 < len(content); i += 2 {
		units = append(units, uint16(content[i])<<8|uint16(content[i+1]))
	}
	out.Text = string(utf16.Decode(units))
	return out
}
