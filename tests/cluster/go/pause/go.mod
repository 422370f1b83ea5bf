// The program that holds a pod's namespaces, and the first process of a cluster.
module frit.test/pause

go 1.21
