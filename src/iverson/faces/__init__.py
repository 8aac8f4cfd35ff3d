"""Ways in: the command line, later notebooks and a web page.  They import api and nothing else of ours."""
