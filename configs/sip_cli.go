package configs

// CLI is how the presented number is written, and how the neighbour writes numbers.
type CLI struct {
	// Headers that hold it: From, P-Asserted-Identity. Default [from, pai].
	Header []CLIHeader `key:"header" default:"[from, pai]"`
	// With +, in national form, or digits only; national needs country_code. Default e164.
	Format CLIFormat `key:"format"`
	// Calling code of the country whose numbers it may write in national form. Default empty: none.
	CountryCode Digits `key:"country_code"`
	// Digits before national numbers, such as 0. Default empty: none, and in the national format a number without a prefix is national.
	TrunkPrefix Digits `key:"trunk_prefix"`
	// Digits before other countries' numbers, such as 00. Default empty: they have + or nothing.
	InternationalPrefix Digits `key:"international_prefix"`
	// User part of From where header lacks from, such as the name of our account. Default empty: From is anonymous there.
	User string `key:"user" octets:"128"`
	// Domain of the URI. Default empty: our own address.
	Domain Host `key:"domain"`
}
