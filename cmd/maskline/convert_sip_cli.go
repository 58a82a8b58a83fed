package main

import (
	"maskline/configs"
	"maskline/sip"
)

func sipCLI(c *configs.CLI) sip.CLI {
	cli := sip.CLI{
		Format: string(c.Format), Domain: string(c.Domain), User: c.User, CountryCode: string(c.CountryCode),
		TrunkPrefix: string(c.TrunkPrefix), InternationalPrefix: string(c.InternationalPrefix),
	}
	for _, h := range c.Header {
		cli.Header = append(cli.Header, string(h))
	}
	return cli
}
