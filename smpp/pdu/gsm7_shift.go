package pdu

// Language is a national language identifier. 3GPP TS 23.038 §6.2.1.2.4
type Language byte

const spanish Language = 2 // it has a single shift table only

// shiftOf is the pair of tables that a header asks for. Where an element is
// repeated the last one counts; an unknown language is the default alphabet.
// 3GPP TS 23.040 §9.2.3.24.15, §9.2.3.24.16
func shiftOf(header UDH) shift {
	s := shift{base: &defaultAlphabet, extension: &defaultExtension}
	for id, value := range header.All() {
		if len(value) != 1 {
			continue
		}
		switch id {
		case IEILockingShift:
			s.base = lockingTable(Language(value[0]))
		case IEISingleShift:
			s.extension = singleTable(Language(value[0]))
		default:
		}
	}
	return s
}

func lockingTable(l Language) *septetTable {
	if l == 0 || l == spanish || int(l) >= len(lockingTables) {
		return &defaultAlphabet
	}
	return &lockingTables[l]
}

func singleTable(l Language) *septetTable {
	if l == 0 || int(l) >= len(singleTables) {
		return &defaultExtension
	}
	return &singleTables[l]
}
