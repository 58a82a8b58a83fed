package main

import (
	"maskline/configs"
	"maskline/smpp"
)

func smppEncoding(e configs.Encoding) smpp.Encoding {
	switch e {
	case configs.Latin1:
		return smpp.Latin1
	case configs.UCS2:
		return smpp.UCS2
	default:
		return smpp.GSM7
	}
}

func smppLong(l configs.Long) smpp.Long {
	switch l {
	case configs.LongUDH:
		return smpp.LongUDH
	case configs.LongSAR:
		return smpp.LongSAR
	case configs.LongPayload:
		return smpp.LongPayload
	default:
		return smpp.LongAsItCame
	}
}

func smppSpecial(list []configs.Special) (all smpp.Special) {
	for _, s := range list {
		switch s {
		case configs.SpecialSilent:
			all |= smpp.SpecialSilent
		case configs.SpecialReplace:
			all |= smpp.SpecialReplace
		case configs.SpecialSIM:
			all |= smpp.SpecialSIM
		case configs.SpecialClass2:
			all |= smpp.SpecialClass2
		}
	}
	return all
}

func smppNumbers(n *configs.Numbers) *smpp.Numbers {
	if *n == (configs.Numbers{}) {
		return nil
	}
	return &smpp.Numbers{
		Plus: n.Plus, CountryCode: string(n.CountryCode),
		TrunkPrefix: string(n.TrunkPrefix), International: string(n.InternationalPrefix),
	}
}
