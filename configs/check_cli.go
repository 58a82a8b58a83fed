package configs

import "slices"

// cli checks how numbers are written for a neighbour.
func (c *checker) cli(cli *CLI, path string) {
	header := under(path, "header")
	if len(cli.Header) == 0 {
		c.fault(header, "is an empty list, so no caller would be shown; expected from, pai or both")
	}
	for i, h := range cli.Header {
		for j := range i {
			if cli.Header[j] == h {
				c.fault(entry(header, i), "is in the list already; expected it once")
				break
			}
		}
	}
	code := under(path, "country_code")
	if cli.CountryCode == "" {
		if cli.Format == CLINational {
			c.fault(under(path, "format"), "is national, and country_code does not say where; expected that too", code)
		}
		if cli.TrunkPrefix != "" {
			c.fault(under(path, "trunk_prefix"), "stands before numbers of no country; expected country_code too", code)
		}
	}
	c.prefixLength(cli.CountryCode, code)
	c.prefixLength(cli.TrunkPrefix, under(path, "trunk_prefix"))
	c.prefixLength(cli.InternationalPrefix, under(path, "international_prefix"))
	if cli.User != "" && slices.Contains(cli.Header, CLIFrom) {
		c.fault(under(path, "user"), "stands in From, where header wants the number; expected header: [pai]", header)
	}
}
