package configs

import (
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scalar reads and writes the values of one type.
type scalar struct {
	kind    string // as the reference names the type
	expects string // as a fault names what was expected
	empty   bool   // "" is a value, and means none
	bare    bool   // a number or truth value, which is not quoted
	secret  bool   // may come from ${file:PATH}
	choices []string
	parse   func(text string) (reflect.Value, error)
	format  func(v reflect.Value) string
	textOf  func(v reflect.Value) string // what octets and ascii bound; nil: nothing
}

func scalarOf(t reflect.Type) (scalar, bool) {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return typed("duration", "a duration such as 5s", parseDuration, formatDuration), true
	case reflect.TypeFor[Size]():
		return typed("size", "a size such as 64MiB", parseSize, Size.String), true
	case reflect.TypeFor[PortRange]():
		return typed("ports", "a range such as 10000-32767", parsePortRange, PortRange.String), true
	case reflect.TypeFor[Code]():
		return typed("code", "a code in decimal or in hex, such as 0x64", parseCode, Code.String), true
	case reflect.TypeFor[FailoverRule]():
		return typed("rule", `a rule such as 503, 500-599 or "404;cause=2"`, parseFailoverRule, FailoverRule.String), true
	case reflect.TypeFor[VoiceAnswer]():
		return typed("code or {announce: NAME, mode: early|answer, code: 404}", "a SIP code from 400 to 699, or {announce: NAME}", parseVoiceAnswer, VoiceAnswer.String), true
	case reflect.TypeFor[EmergencyNumber]():
		return typed("digits", `2 to 6 digits such as "112", as they are dialled`, parseEmergencyNumber, text), true
	}
	s, found := optionalScalarOf(t)
	if !found {
		return plainScalarOf(t)
	}
	s.empty = true
	return s, true
}

// optionalScalarOf knows the types for which "" means none.
func optionalScalarOf(t reflect.Type) (scalar, bool) {
	switch t {
	case reflect.TypeFor[netip.Addr]():
		return typed("IP address", "an IP address such as 192.0.2.1", parseIP, formatIP), true
	case reflect.TypeFor[netip.AddrPort]():
		return typed("IP:port", "an IP address and port such as 127.0.0.1:2775", parseListen, formatListen), true
	case reflect.TypeFor[netip.Prefix]():
		return typed("network", "a network such as 192.0.2.0/24, or an IP address", parsePrefix, netip.Prefix.String), true
	case reflect.TypeFor[Host]():
		return typed("host", "a name or an IP address", parseHost, text), true
	case reflect.TypeFor[HostPort]():
		return typed("host:port", "a name or IP address with a port, such as 192.0.2.1:2775", parseHostPort, HostPort.String), true
	case reflect.TypeFor[SIPAddress]():
		return typed("SIP address", "an address such as udp://192.0.2.1:5060, with udp, tcp or tls", parseSIPAddress, SIPAddress.String), true
	case reflect.TypeFor[Name]():
		return typed("name", "a name of letters, digits, dots, dashes and underscores", parseName, text), true
	case reflect.TypeFor[Word]():
		return typed("word", "a word of at most 40 octets", parseWord, text), true
	case reflect.TypeFor[ReplyText]():
		return typed("text", "a text of at most 480 octets", parseReplyText, text), true
	case reflect.TypeFor[CallingCode]():
		return typed("calling code", "a calling code such as 44", func(text string) (CallingCode, error) { return CallingCode(text), parseCallingCode(text) }, text), true
	case reflect.TypeFor[Sender]():
		return typed("sender", "1 to 15 digits, alphanumeric, shortcode or withheld", parseSender, text), true
	case reflect.TypeFor[TextPattern]():
		return typed("text pattern", "a word or phrase, or a pattern between slashes, of at most 512 octets", parseTextPattern, text), true
	case reflect.TypeFor[Country]():
		return typed("country", "an ISO 3166 code such as GB", parseCountry, text), true
	case reflect.TypeFor[Digits]():
		return typed("digits", "1 to 15 digits", parseDigits, text), true
	case reflect.TypeFor[TechPrefix]():
		return typed("digits, * and #", "up to 15 digits, * or #", parseTechPrefix, text), true
	case reflect.TypeFor[Path]():
		return typed("path", "a path", parsePath, text), true
	case reflect.TypeFor[DatabaseURL]():
		s := typed("postgres URL", "a URL such as postgres://user@host/database", parseDatabaseURL, DatabaseURL.String)
		s.secret = true
		return s, true
	case reflect.TypeFor[Secret]():
		s := typed("secret", "text", func(text string) (Secret, error) { return Secret{text}, plain(text) }, Secret.String)
		s.secret = true
		s.textOf = func(v reflect.Value) string { return v.Interface().(Secret).text }
		return s, true
	}
	return scalar{}, false
}

// plainScalarOf knows types by their kind.
func plainScalarOf(t reflect.Type) (scalar, bool) {
	switch t.Kind() {
	case reflect.String:
		return textScalar(t), true
	case reflect.Bool:
		s := typed("boolean", "true or false", parseBool, strconv.FormatBool)
		s.bare = true
		return s, true
	case reflect.Int:
		s := typed("integer", "a whole number", parseInt, strconv.Itoa)
		s.bare = true
		return s, true
	case reflect.Float64:
		s := typed("number", "a number", parseFloat, func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) })
		s.bare = true
		return s, true
	default:
		return scalar{}, false
	}
}

const textKind = "text"

// textScalar is any text, or one of a type's choices.
func textScalar(t reflect.Type) scalar {
	s := scalar{kind: textKind, expects: "text", empty: true, format: reflect.Value.String, textOf: reflect.Value.String}
	c, limited := reflect.Zero(t).Interface().(choice)
	if limited {
		s.choices = c.choices()
		s.kind, s.expects, s.empty = strings.Join(s.choices, "|"), oneOf(s.choices), false
	}
	s.parse = func(text string) (reflect.Value, error) {
		if limited && !slices.Contains(s.choices, text) {
			return reflect.Value{}, wrong("is an unknown value")
		}
		return reflect.ValueOf(text).Convert(t), plain(text)
	}
	return s
}

func typed[T any](kind, expects string, parse func(string) (T, error), format func(T) string) scalar {
	return scalar{
		kind: kind, expects: expects,
		parse: func(text string) (reflect.Value, error) {
			v, err := parse(text)
			return reflect.ValueOf(v), err
		},
		format: func(v reflect.Value) string { return format(v.Interface().(T)) },
	}
}

func text[T ~string](v T) string { return string(v) }

func parseBool(text string) (bool, error) {
	switch text {
	case "true":
		return true, nil
	case "false":
		return false, nil
	default:
		return false, wrong("is neither true nor false")
	}
}
