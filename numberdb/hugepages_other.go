//go:build !linux

package numberdb

func onHugePages([]slot) {}
