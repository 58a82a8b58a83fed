package sessions

func inChild() {}
