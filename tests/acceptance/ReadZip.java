import java.io.FileInputStream;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * Reads ZIP files as a stream, from front to back, and checks that no entry comes twice.
 *
 * <p>Usage: {@code java ReadZip.java FILE...}. Exits with an error at the first file that cannot be read.
 */
public class ReadZip {
    public static void main(String[] files) throws IOException {
        if (files.length == 0) {
            throw new IllegalArgumentException("usage: java ReadZip.java FILE...");
        }
        for (String file : files) {
            Set<String> names = new HashSet<>();
            long bytes = 0;
            try (ZipInputStream zip = new ZipInputStream(new FileInputStream(file))) {
                for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                    if (!names.add(entry.getName())) {
                        throw new IOException(file + ": " + entry.getName() + " comes twice");
                    }
                    bytes += zip.readAllBytes().length;
                }
            } catch (IOException error) {
                throw new IOException(file + ": " + error.getMessage(), error);
            }
            if (names.isEmpty()) {
                throw new IOException(file + ": no entries");
            }
            System.out.println(file + ": " + names.size() + " entries, " + bytes + " bytes");
        }
    }
}
