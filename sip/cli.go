package sip

import (
	"errors"
	"fmt"
	"strings"

	"maskline/sip/message"
)

// CLI is how the trunk is told who calls, and how it writes numbers itself.
type CLI struct {
	// Header lists where the presented number stands: "from", "pai". Without
	// "from", From is User, or anonymous. Nil: both.
	Header []string
	// Format is "e164" (with "+", the default), "plain" (digits only) or "national"
	// (those of CountryCode without it).
	Format string
	// CountryCode is the calling code of the trunk's country. Numbers of it may come
	// in national form. Empty: all numbers are international.
	CountryCode string
	// TrunkPrefix stands before national numbers, "0". Empty: with the national
	// format, numbers without a prefix are national.
	TrunkPrefix string
	// InternationalPrefix stands before other countries' numbers, "00". Empty: they
	// have "+" or nothing.
	InternationalPrefix string
	// User is the user part of From where Header lacks "from", for trunks that know
	// us by an account. Empty: anonymous.
	User string
	// Domain is the host part. Empty: the address that we advertise.
	Domain string
}

func (c *CLI) parse(techPrefix string) (message.CLI, error) {
	cli := message.CLI{Domain: c.Domain, User: c.User, Numbers: message.Numbers{
		CountryCode: c.CountryCode, TrunkPrefix: c.TrunkPrefix, International: c.InternationalPrefix, TechPrefix: techPrefix,
	}}
	for _, h := range c.Header {
		switch h {
		case "from":
			cli.From = true
		case "pai":
			cli.Asserted = true
		default:
			return cli, fmt.Errorf("cli.header: %q is neither from nor pai", h)
		}
	}
	switch c.Format {
	case "e164":
	case "plain":
		cli.Numbers.Form = message.Plain
	case "national":
		cli.Numbers.Form = message.National
		if c.CountryCode == "" {
			return cli, errors.New("cli.country_code: the national format needs it")
		}
	default:
		return cli, fmt.Errorf("cli.format: %q is neither e164, national nor plain", c.Format)
	}
	if strings.ContainsAny(c.Domain, "<>@;,\" \r\n") {
		return cli, errors.New("cli.domain: not a host")
	}
	return cli, nil
}
