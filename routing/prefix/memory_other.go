//go:build !linux

package prefix

func onHugePages([]packed) {}
