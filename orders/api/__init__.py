"""What other machines ask of us over HTTP."""
