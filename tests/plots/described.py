"""What every figure must say about itself."""


def described(ax, *words):
    assert ax.get_title(loc="left")
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    assert len(ax.figure.alt) >= 40
    assert all(word in ax.figure.alt for word in words), ax.figure.alt
