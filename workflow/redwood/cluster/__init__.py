"""What each rule needs of a cluster, asked for when it runs and added up before."""
